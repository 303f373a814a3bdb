import { writeHexOf } from "../otlp/encode-bytes.ts";
import { SPAN, SPANS, writeLink, writeStatus } from "../otlp/encode-traces.ts";
import type { ProtoWriter } from "../otlp/proto-writer.ts";
import { type EventScan, SLOT } from "../scan/event-scan.ts";
import type { ScannedEvent } from "../scan/scanned-event.ts";
import type { OtelEventScan } from "./otel-event-scan.ts";
import type { OtelMemory } from "./otel-memory.ts";
import { isDerived, linksOf, statusOf } from "./otel-span.ts";
import { microsAt, wholeMicros } from "./otel-time.ts";
import { writeSpanHead } from "./otel-type-plan.ts";

/**
 * Writes the span that ends with an event, as `toOtelSpan` tells it, from the event's JSON to protobuf. False where it ends none.
 *
 * @param memory has observed the event; keeps attributes as {@link SPAN} has them
 */
export function writeSpan(
  writer: ProtoWriter,
  { event, scan }: ScannedEvent<OtelEventScan>,
  memory: OtelMemory<Uint8Array>,
): boolean {
  const { bytes, starts, ends, plan } = scan;
  const { durationMs } = event.data as { durationMs?: unknown };
  if (!plan.endsSpan || typeof durationMs !== "number" || isDerived(event)) return false;
  const opening = memory.openingOf(event);
  const endMicros = microsAt(bytes, starts[SLOT.TIMESTAMP]!, ends[SLOT.TIMESTAMP]!);
  const startMicros = opening?.startMicros ?? endMicros - Math.round(durationMs * 1000);

  const mark = writer.begin(SPANS, 2);
  writeId(writer, SPAN.traceId, scan, SLOT.TRACE_ID);
  if (opening === undefined) {
    writeId(writer, SPAN.spanId, scan, SLOT.SPAN_ID);
    writeId(writer, SPAN.parentSpanId, scan, SLOT.PARENT_SPAN_ID);
  } else {
    if (opening.spanId) writer.hex(SPAN.spanId, opening.spanId);
    if (opening.parentSpanId) writer.hex(SPAN.parentSpanId, opening.parentSpanId);
  }
  if (plan.spanHead !== undefined) writer.raw(plan.spanHead);
  else writeSpanHead(writer, event);
  writer.nanosOf(SPAN.startTime, wholeMicros(startMicros));
  writer.nanosOf(SPAN.endTime, wholeMicros(Math.max(startMicros, endMicros)));
  scan.attributes.copyTo(writer, SPAN.attributes);
  if (opening !== undefined) writer.raw(opening.attributes);
  for (const link of linksOf(event, opening, memory)) writeLink(writer, link);
  writeStatus(writer, statusOf(event));
  writer.end(mark, 2);
  return true;
}

/** The id in one of the event's own slots; none where it is "". */
export function writeId(writer: ProtoWriter, fieldTag: number, scan: EventScan, slot: number): void {
  const start = scan.starts[slot]!;
  const end = scan.ends[slot]!;
  if (end > start) writeHexOf(writer, fieldTag, scan.bytes, start, end);
}
