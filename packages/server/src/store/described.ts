import { type KeyValue, plainAttributes, type Resource, type Scope } from "@sandglass/telemetry/reading";

/** What a resource says of itself. */
export interface Described {
  service: string;
  attributes: Record<string, unknown>;
}

export function describe(resource: Resource | undefined): Described {
  const attributes = plainAttributes(resource?.attributes as KeyValue[] | undefined);
  const service = attributes["service.name"];
  return { service: typeof service === "string" ? service : "", attributes };
}

/** Undefined of a scope without a name. */
export function describeScope(scope: Scope | undefined): object | undefined {
  if (scope === undefined || (scope.name ?? "") === "") return undefined;
  return { name: scope.name, ...(scope.version !== undefined && { version: scope.version }) };
}
