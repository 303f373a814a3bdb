import { findLastEvents } from "./queries/find-last-events.ts";
import { getRun } from "./queries/get-run.ts";
import { getTrace } from "./queries/get-trace.ts";
import { listLogs } from "./queries/list-logs.ts";
import { listRuns } from "./queries/list-runs.ts";
import { listTraces } from "./queries/list-traces.ts";

/**
 * What the store can be asked, by name. Each takes the statements of a read-only database and plain arguments, and gives plain
 * values: it runs in a thread of its own.
 */
export const QUERIES = { listRuns, getRun, listTraces, getTrace, listLogs, findLastEvents } as const;

export type StoreQueries = typeof QUERIES;
