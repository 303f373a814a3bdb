import { findLastEvents } from "./queries/find-last-events.ts";
import { getRun } from "./queries/get-run.ts";
import { getTraceJson } from "./queries/get-trace-json.ts";
import { hasTelemetry } from "./queries/has-telemetry.ts";
import { listEndedSandboxes } from "./queries/list-ended-sandboxes.ts";
import { listLogs } from "./queries/list-logs.ts";
import { listRuns } from "./queries/list-runs.ts";
import { listTraces } from "./queries/list-traces.ts";
import { logsAround } from "./queries/logs-around.ts";
import { listMetrics } from "./queries/metrics/list-metrics.ts";
import { queryMetric } from "./queries/metrics/query-metric.ts";
import { searchEvents } from "./queries/search-events.ts";

/**
 * What the store can be asked, by name. Each takes the statements of a read-only database and plain arguments, and gives plain
 * values: it runs in a thread of its own.
 */
export const QUERIES = {
  listRuns,
  listEndedSandboxes,
  getRun,
  listTraces,
  getTraceJson,
  listLogs,
  logsAround,
  findLastEvents,
  hasTelemetry,
  searchEvents,
  listMetrics,
  queryMetric,
} as const;

export type StoreQueries = typeof QUERIES;
