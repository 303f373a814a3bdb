import { writeHexOf } from "../otlp/encode-bytes.ts";
import { SPAN, SPANS, writeLink, writeStatus } from "../otlp/encode-traces.ts";
import type { OtlpLink, OtlpSpan } from "../otlp/model.ts";
import type { ProtoWriter } from "../otlp/proto-writer.ts";
import { type EventScan, SLOT } from "../scan/event-scan.ts";
import type { ScannedEvent } from "../scan/scanned-event.ts";
import type { OtelEventScan } from "./otel-event-scan.ts";
import type { Opening, OtelMemory } from "./otel-memory.ts";
import { isDerived, linksOf, spanMicros, statusOf } from "./otel-span.ts";
import { microsAt, wholeMicros } from "./otel-time.ts";
import { writeSpanHead } from "./otel-type-plan.ts";

/** What a span says besides what its event does. */
interface Ending {
  readonly opening: Opening<Uint8Array> | undefined;
  /** Whole microseconds since 1970. */
  readonly startMicros: number;
  readonly endMicros: number;
  readonly links: readonly OtlpLink[];
  readonly status: NonNullable<OtlpSpan["status"]>;
}

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
  const { plan } = scan;
  const { durationMs } = event.data as { durationMs?: unknown };
  if (!plan.endsSpan || typeof durationMs !== "number" || isDerived(event)) return false;
  const opening = memory.openingOf(event);
  const [startMicros, endMicros] = spanMicros(event, durationMs, microsOfEvent(scan), opening);
  const ending: Ending = {
    opening,
    startMicros: wholeMicros(startMicros),
    endMicros: wholeMicros(endMicros),
    links: linksOf(event, opening, memory),
    status: statusOf(event),
  };
  if (writeCompiled(writer, scan, ending)) return true;
  const mark = writer.begin(SPANS, 2);
  writeId(writer, SPAN.traceId, scan, SLOT.TRACE_ID);
  if (opening !== undefined) writeOpeningIds(writer, opening);
  else {
    writeId(writer, SPAN.spanId, scan, SLOT.SPAN_ID);
    writeId(writer, SPAN.parentSpanId, scan, SLOT.PARENT_SPAN_ID);
  }
  if (plan.spanHead !== undefined) writer.raw(plan.spanHead);
  else writeSpanHead(writer, event);
  writer.nanosOf(SPAN.startTime, ending.startMicros);
  writer.nanosOf(SPAN.endTime, ending.endMicros);
  scan.attributes.copyTo(writer, SPAN.attributes);
  writeEnding(writer, ending);
  writer.end(mark, 2);
  return true;
}

/** False where the event is one that the compiled scan has given up, or has more to say than there is room for. */
function writeCompiled(
  writer: ProtoWriter,
  { compiled, plan, attributes }: OtelEventScan,
  ending: Ending,
): boolean {
  if (compiled === undefined || plan.spanHead === undefined) return false;
  const { opening, startMicros, endMicros } = ending;
  const tail = compiled.beginTail();
  if (opening !== undefined) writeOpeningIds(tail, opening);
  const ids = tail.length;
  writeEnding(tail, ending);
  if (!compiled.isTailWhole) return false;
  const { core, memory } = compiled;
  const idBytes = opening === undefined ? -1 : ids;
  const start = core.writeSpan(startMicros, endMicros, attributes.writer.length, idBytes, tail.length - ids);
  writer.copyOf(memory, start, core.writtenTo());
  return true;
}

function writeOpeningIds(writer: ProtoWriter, { spanId, parentSpanId }: Opening<Uint8Array>): void {
  if (spanId) writer.hex(SPAN.spanId, spanId);
  if (parentSpanId) writer.hex(SPAN.parentSpanId, parentSpanId);
}

/** What comes behind the event's own attributes. */
function writeEnding(writer: ProtoWriter, { opening, links, status }: Ending): void {
  if (opening !== undefined) writer.raw(opening.attributes);
  for (const link of links) writeLink(writer, link);
  writeStatus(writer, status);
}

/** Microseconds since 1970 of the event that was scanned; 0 where its timestamp is none. */
function microsOfEvent({ compiled, bytes, starts, ends }: OtelEventScan): number {
  const known = compiled?.core.timestampMicros() ?? -1;
  if (known !== -1) return known;
  const micros = microsAt(bytes, starts[SLOT.TIMESTAMP]!, ends[SLOT.TIMESTAMP]!);
  compiled?.core.learnSecond(micros);
  return micros;
}

/** The id in one of the event's own slots; none where it is "". */
export function writeId(writer: ProtoWriter, fieldTag: number, scan: EventScan, slot: number): void {
  const start = scan.starts[slot]!;
  const end = scan.ends[slot]!;
  if (end > start) writeHexOf(writer, fieldTag, scan.bytes, start, end);
}
