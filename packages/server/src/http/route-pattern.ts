import { ROUTES, type RouteDefinition } from "@sandglass/protocol";

const DEFINITIONS: readonly RouteDefinition[] = Object.values(ROUTES);

/** Every route as a pattern over whole paths; asked only where no route matched. */
const PATTERNS = DEFINITIONS.map(({ method, path }) => {
  const source = path.replace(/\{(\w+)(\+?)\}/g, (_, _name, rest: string) => (rest === "+" ? ".+" : "[^/]+"));
  return { method, pattern: new RegExp(`^${source}$`) };
});

/** `/v1/sandboxes/{id}/files/{path+}` in the router's words: `/v1/sandboxes/:id/files/*`. */
export function toRouterPath(path: string): string {
  return path.replace(/\{(\w+)\+\}/g, "*").replace(/\{(\w+)\}/g, ":$1");
}

/** Methods that a path answers to; empty where it is no path of ours. */
export function allowedMethods(path: string): string[] {
  return [...new Set(PATTERNS.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
}
