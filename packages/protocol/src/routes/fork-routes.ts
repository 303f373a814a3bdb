import type { RouteDefinition } from "./route-definition.ts";

/** Copies of a sandbox, what became of them, and which of them stays. */
export const FORK_ROUTES = {
  forkSandbox: {
    method: "POST",
    path: "/v1/sandboxes/{id}/fork",
    summary: "Make sandboxes with the same files and settings as this one has now",
    scope: "sandboxes:write",
    request: "json",
    requestSchema: "ForkRequest",
    response: "json",
    responseSchema: "ForkResult",
    status: 201,
  },
  diffSandbox: {
    method: "GET",
    path: "/v1/sandboxes/{id}/diff",
    summary: "List what a sandbox's file system has otherwise than another's, by default its parent's",
    scope: "sandboxes:read",
    request: "none",
    querySchema: "DiffQuery",
    response: "json",
    responseSchema: "SandboxDiff",
    status: 200,
  },
  mergeSandbox: {
    method: "POST",
    path: "/v1/sandboxes/{id}/merge_into/{winner}",
    summary: "Take over the files of another sandbox, which ends with cause `merged`",
    scope: "sandboxes:write",
    request: "none",
    response: "none",
    status: 204,
  },
} as const satisfies Record<string, RouteDefinition>;
