import type { RouteDefinition } from "./route-definition.ts";

/** The way into the web console; what it shows comes by the other routes. */
export const CONSOLE_ROUTES = {
  createConsoleLink: {
    method: "POST",
    path: "/v1/console/links",
    summary: "Make a link into the web console: for this key, good for one use within a minute",
    scope: "sandboxes:read",
    request: "none",
    response: "json",
    responseSchema: "ConsoleLink",
    status: 201,
  },
} as const satisfies Record<string, RouteDefinition>;
