import type { DurableLog } from "../log/durable-log.ts";
import { parseEvent } from "../record/parse-event.ts";
import { parseStartAt } from "./exporter-options.ts";

/** First position that an exporter which is new reads. */
export async function startPosition(log: DurableLog, startAt: string): Promise<number> {
  const from = parseStartAt(startAt);
  if (from === "earliest") return log.oldestPosition;
  if (from === "latest") return log.lastPosition + 1;
  for await (const items of log.readBatches({ from: log.positionAt(from) })) {
    for (const item of items) {
      if ("gap" in item) continue;
      const event = parseEvent(item.payload.toString("utf8"));
      if (event && Date.parse(event.timestamp) >= from) return item.position;
    }
  }
  return log.lastPosition + 1;
}
