import { newEventId, newSandboxId, newSpanId, newTraceId, type RuntimeEvent } from "@sandglass/protocol";
import type { EventBatch } from "../../../delivery/exporter.ts";
import { LogEvent } from "../../../delivery/log-event.ts";

const FIRST_MS = Date.UTC(2026, 3, 18, 14);

/** An event as the recorder writes it, a millisecond and some microseconds after the one before. */
export function testEvent(seq: number, more: Partial<RuntimeEvent> = {}): RuntimeEvent {
  const event = {
    id: newEventId(),
    seq,
    timestamp: new Date(FIRST_MS + seq).toISOString().replace("Z", "120Z"),
    type: "exec.timed_out",
    level: "info",
    orgId: "default",
    sandboxId: newSandboxId(),
    runId: "",
    traceId: newTraceId(),
    spanId: newSpanId(),
    parentSpanId: "",
    data: { execId: 'exec_ä\n"timestamp":"2001', timeoutMs: seq },
  };
  return { ...event, ...more } as RuntimeEvent;
}

/** Events as they come out of the log. */
export function testBatch(events: readonly RuntimeEvent[]): EventBatch {
  return rawBatch(events.map((event) => JSON.stringify(event)));
}

export function rawBatch(texts: readonly string[]): EventBatch {
  const events = texts.map((text, index) => new LogEvent(index + 1, Buffer.from(text)));
  return { events, sizeBytes: events.reduce((sum, { payload }) => sum + payload.length, 0) };
}

export function testEvents(count: number): RuntimeEvent[] {
  return Array.from({ length: count }, (_, index) => testEvent(index + 1));
}
