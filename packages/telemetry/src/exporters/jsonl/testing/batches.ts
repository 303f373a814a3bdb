import type { EventBatch } from "../../../delivery/exporter.ts";
import { LogEvent } from "../../../delivery/log-event.ts";

/** The id of the test event at a position: the same in every process, increasing as real ones are. */
export function idAt(position: number): string {
  const digits = position.toString(16).padStart(12, "0");
  return `evt_${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`;
}

/** The test event at a position, of a length that varies with it. */
export function eventAt(position: number, padding = (position * 37) % 400): LogEvent {
  const event = {
    id: idAt(position),
    seq: position,
    timestamp: "2026-04-18T14:00:00.000000Z",
    type: "exec.streamed",
    level: "debug",
    orgId: "default",
    sandboxId: "sbx_01m81fmvaxzshpc686q862kbs9",
    runId: "",
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: "00f067aa0ba902b7",
    parentSpanId: "",
    data: {
      execId: `exec_é${"x".repeat(padding)}`,
      stream: "stdout",
      offset: position,
      bytes: 1,
      chunks: 1,
    },
  };
  return new LogEvent(position, Buffer.from(JSON.stringify(event)));
}

/** The events at `from` up to `to`, both included. */
export function batchOf(from: number, to: number, padding?: number): EventBatch {
  const events = Array.from({ length: to - from + 1 }, (_, index) => eventAt(from + index, padding));
  return { events, sizeBytes: events.reduce((sum, { payload }) => sum + payload.length, 0) };
}
