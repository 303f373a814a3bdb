import type { DurableLog } from "../log/durable-log.ts";
import type { Erased } from "../log/rewrite-segment.ts";
import type { Erasure } from "../record/erasure.ts";
import { readTelemetryRecord } from "./telemetry-record.ts";

const NO_NOTE = new Uint8Array();

/**
 * Deletes the requests of these sandboxes, and those about this run, from a log of telemetry. What programs with a key send is about
 * no sandbox, and stays.
 *
 * @throws what the file system throws
 */
export async function eraseTelemetry(
  log: DurableLog,
  { orgId, sandboxIds, runId }: Erasure,
): Promise<Erased> {
  const notes = new Map<number, Uint8Array>();
  const known = new Set(sandboxIds);
  for await (const items of log.readBatches({})) {
    for (const item of items) {
      const record = "payload" in item ? readTelemetryRecord(item.payload) : undefined;
      if (record === undefined || !("payload" in item) || record.orgId !== orgId) continue;
      const isRuns = runId !== "" && record.runId === runId && record.sandboxId === "";
      if (isRuns || known.has(record.sandboxId)) notes.set(item.position, NO_NOTE);
    }
  }
  return log.erase(notes);
}
