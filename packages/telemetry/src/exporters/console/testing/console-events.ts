import { type EventInput, newEventId, type RuntimeEvent } from "@sandglass/protocol";
import type { EventBatch } from "../../../delivery/exporter.ts";
import { LogEvent } from "../../../delivery/log-event.ts";

/** An event as the recorder makes it of its input. */
export function eventOf(input: EventInput): RuntimeEvent {
  return { id: newEventId(), seq: 1, timestamp: "2026-04-18T14:00:00.123456Z", ...input } as RuntimeEvent;
}

export function batchOf(events: readonly RuntimeEvent[]): EventBatch {
  const logged = events.map((event, index) => new LogEvent(index + 1, Buffer.from(JSON.stringify(event))));
  return { events: logged, sizeBytes: logged.reduce((sum, { payload }) => sum + payload.length, 0) };
}
