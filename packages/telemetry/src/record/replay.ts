import type { DurableLog } from "../log/durable-log.ts";
import type { CheckpointFile } from "./checkpoint.ts";
import type { OpenWork } from "./open-work.ts";
import { parseEvent } from "./parse-event.ts";

/** Brings `work` to the log's end and returns the position of the checkpoint it started from. */
export async function replay(log: DurableLog, file: CheckpointFile, work: OpenWork): Promise<number> {
  const checkpoint = file.load(log.lastPosition);
  for (const entry of checkpoint?.ledger ?? []) work.restore(entry);
  if (checkpoint) work.restoreLastSeen(checkpoint.lastSeenAt);
  const savedPosition = checkpoint?.position ?? 0;
  for await (const items of log.readBatches({ from: Math.max(savedPosition + 1, log.oldestPosition) })) {
    for (const item of items) {
      const event = "payload" in item ? parseEvent(item.payload.toString("utf8")) : undefined;
      if (event) work.commit(event);
    }
  }
  return savedPosition;
}
