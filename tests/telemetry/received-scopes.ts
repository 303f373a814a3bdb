import type { Resource, Scope, Signal } from "../../packages/telemetry/src/otlp/model.ts";
import { plainOtlp } from "./plain-otlp.ts";

/** What one sender sent under one scope in one request, as {@link plainOtlp} has it. */
export interface ReceivedScope {
  signal: Signal;
  resource: Resource;
  scope: Scope;
  schemaUrl?: string;
  /** Spans, log records or metrics. */
  items: { name?: string }[];
}

const GROUPS = {
  traces: ["resourceSpans", "scopeSpans", "spans"],
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
  metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
} as const;

type Group = Record<string, unknown> & { resource?: Resource; scope?: Scope; schemaUrl?: string };

/** Takes a request apart. @param request as some decoder gives it */
export function receivedScopes(signal: Signal, request: unknown): ReceivedScope[] {
  const [resources, scopes, items] = GROUPS[signal];
  return ((plainOtlp(request) as Record<string, Group[]>)[resources] ?? []).flatMap((ofOne) =>
    ((ofOne[scopes] ?? []) as Group[]).map(({ scope = {}, schemaUrl, ...more }) => ({
      ...{ signal, resource: ofOne.resource ?? {}, scope, ...(schemaUrl && { schemaUrl }) },
      items: (more[items] ?? []) as ReceivedScope["items"],
    })),
  );
}
