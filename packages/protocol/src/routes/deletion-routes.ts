import type { RouteDefinition } from "./route-definition.ts";

/** What is recorded, deleted. */
export const DELETION_ROUTES = {
  deleteSandboxRecord: {
    method: "DELETE",
    path: "/v1/sandboxes/{id}/record",
    summary: "Delete everything that this host has of a sandbox that has ended (idempotent)",
    scope: "admin",
    request: "none",
    response: "json",
    responseSchema: "DeletionResult",
    status: 200,
  },
  deleteRun: {
    method: "DELETE",
    path: "/v1/runs/{runId}",
    summary:
      "Delete everything that this host has of a complete run and of the sandboxes that are its alone (idempotent)",
    scope: "admin",
    request: "none",
    response: "json",
    responseSchema: "DeletionResult",
    status: 200,
  },
} as const satisfies Record<string, RouteDefinition>;
