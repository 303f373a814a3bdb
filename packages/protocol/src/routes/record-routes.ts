import type { RouteDefinition } from "./route-definition.ts";

/** The record: events, agent runs, traces. */
export const RECORD_ROUTES = {
  listEvents: {
    method: "GET",
    path: "/v1/events",
    summary: "Read the record; each line is an event plus an opaque cursor",
    scope: "events:read",
    request: "none",
    querySchema: "EventsQuery",
    response: "ndjson",
    responseSchema: "EventLine",
    status: 200,
  },
  startRun: {
    method: "POST",
    path: "/v1/runs",
    summary: "Open an agent run",
    scope: "sandboxes:write",
    request: "json",
    requestSchema: "StartRunRequest",
    response: "json",
    responseSchema: "RunInfo",
    status: 201,
  },
  addRunEvents: {
    method: "POST",
    path: "/v1/runs/{runId}/events",
    summary: "Add a run's own agent.*, cost.llm and run.completed events, batched",
    scope: "sandboxes:write",
    request: "json",
    requestSchema: "AddRunEventsRequest",
    response: "json",
    responseSchema: "AddRunEventsResult",
    status: 201,
  },
  getTrace: {
    method: "GET",
    path: "/v1/traces/{traceId}",
    summary: "One trace: its spans and events",
    scope: "events:read",
    request: "none",
    response: "json",
    responseSchema: "TraceInfo",
    status: 200,
  },
} as const satisfies Record<string, RouteDefinition>;
