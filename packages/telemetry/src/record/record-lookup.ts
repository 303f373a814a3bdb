import { type ExecInfo, microTimestamp, type SandboxInfo, type TraceInfo } from "@sandglass/protocol";
import type { DurableLog } from "../log/durable-log.ts";
import { completedExec, startedExec } from "../projections/exec-info.ts";
import { SandboxProjection } from "../projections/sandbox-info.ts";
import { TraceProjection } from "../projections/trace.ts";
import { idTime } from "./id-time.ts";
import { type RecordQuery, readRecord } from "./record-query.ts";

/** A trace with more events is shown with its first ones: an answer has to end. */
const MAX_TRACE_EVENTS = 50_000;
/** Between making an id and appending its first event, and for a clock that is corrected a little. */
const CLOCK_SLACK_MS = 60_000;

/** Execs of a sandbox in the order they began. Empty where the organisation has none of it in the record. */
export async function findExecs(log: DurableLog, sandboxId: string, orgId: string): Promise<ExecInfo[]> {
  const execs = new Map<string, ExecInfo>();
  const query = {
    sandboxId,
    orgId,
    filter: { types: ["exec.started", "exec.completed", "sandbox.terminated"] },
  };
  for await (const { event } of readRecord(log, query, { earliest: earliestOf(log, sandboxId) })) {
    if (event?.type === "exec.started") execs.set(event.data.execId, startedExec(event));
    else if (event?.type === "exec.completed") {
      execs.set(event.data.execId, completedExec(event, execs.get(event.data.execId)));
    } else if (event) break;
  }
  return [...execs.values()];
}

export async function findExec(
  log: DurableLog,
  sandboxId: string,
  execId: string,
  orgId: string,
): Promise<ExecInfo | undefined> {
  let exec: ExecInfo | undefined;
  const query = { sandboxId, orgId, filter: { types: ["exec.started", "exec.completed"] } };
  const earliest = earliestOf(log, execId) ?? earliestOf(log, sandboxId);
  for await (const { event } of readRecord(log, query, { earliest, execId })) {
    if (event?.type === "exec.started" && event.data.execId === execId) exec = startedExec(event);
    if (event?.type !== "exec.completed" || event.data.execId !== execId) continue;
    exec = completedExec(event, exec);
    break;
  }
  return exec;
}

export async function findSandbox(
  log: DurableLog,
  sandboxId: string,
  orgId: string,
): Promise<SandboxInfo | undefined> {
  const projection = new SandboxProjection();
  for await (const { event } of readRecord(
    log,
    { sandboxId, orgId },
    { earliest: earliestOf(log, sandboxId) },
  )) {
    if (!event) continue;
    projection.apply(event);
    if (event.type === "sandbox.terminated") break;
  }
  return projection.info;
}

export async function findTrace(
  log: DurableLog,
  traceId: string,
  orgId: string | undefined,
): Promise<TraceInfo | undefined> {
  const projection = new TraceProjection(traceId);
  const query: RecordQuery = { traceId, limit: MAX_TRACE_EVENTS, ...(orgId !== undefined && { orgId }) };
  for await (const { event } of readRecord(log, query)) if (event) projection.apply(event);
  return projection.toTrace(microTimestamp());
}

/** Where the record of something can begin, by the time in its id; undefined where the id tells none. */
function earliestOf(log: DurableLog, id: string): number | undefined {
  const time = idTime(id);
  return time === undefined ? undefined : log.positionAt(time - CLOCK_SLACK_MS);
}
