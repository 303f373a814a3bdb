import { writeCount, writeKeyValues, writeResource, writeScope, writeText } from "./encode-common.ts";
import type { OtlpLink, OtlpSpan, OtlpSpanEvent, TracesData } from "./model.ts";
import { ProtoWriter } from "./proto-writer.ts";
import { FIXED32, FIXED64, LEN, tag, VARINT } from "./wire.ts";

const RESOURCE_SPANS = tag(1, LEN);
const RESOURCE = tag(1, LEN);
const SCOPE_SPANS = tag(2, LEN);
const SCHEMA_URL = tag(3, LEN);
const SCOPE = tag(1, LEN);
/** The tag of a span. */
export const SPANS: number = tag(2, LEN);

/** Tags of a span's fields. */
export const SPAN = {
  traceId: tag(1, LEN),
  spanId: tag(2, LEN),
  traceState: tag(3, LEN),
  parentSpanId: tag(4, LEN),
  name: tag(5, LEN),
  kind: tag(6, VARINT),
  startTime: tag(7, FIXED64),
  endTime: tag(8, FIXED64),
  attributes: tag(9, LEN),
  droppedAttributes: tag(10, VARINT),
  events: tag(11, LEN),
  droppedEvents: tag(12, VARINT),
  links: tag(13, LEN),
  droppedLinks: tag(14, VARINT),
  status: tag(15, LEN),
  /** Field 16: a tag of two bytes, 0x85 0x01. */
  flags: 0x0185,
} as const;
const STATUS_MESSAGE = tag(2, LEN);
const STATUS_CODE = tag(3, VARINT);

const EVENT_TIME = tag(1, FIXED64);
const EVENT_NAME = tag(2, LEN);
const EVENT_ATTRIBUTES = tag(3, LEN);
const EVENT_DROPPED = tag(4, VARINT);

const LINK_TRACE_STATE = tag(3, LEN);
const LINK_ATTRIBUTES = tag(4, LEN);
const LINK_DROPPED = tag(5, VARINT);
const LINK_FLAGS = tag(6, FIXED32);

/** `ExportTraceServiceRequest`, which `TracesData` is byte for byte. @param sizeHint bytes that will be about enough */
export function encodeTraces(data: TracesData, sizeHint?: number): Buffer {
  const writer = new ProtoWriter(sizeHint);
  for (const { resource, scopeSpans = [], schemaUrl } of data.resourceSpans ?? []) {
    const mark = writer.begin(RESOURCE_SPANS, 3);
    if (resource) writeResource(writer, RESOURCE, resource);
    for (const { scope, spans = [], schemaUrl: scopeSchemaUrl } of scopeSpans) {
      const scopeMark = writer.begin(SCOPE_SPANS, 3);
      if (scope) writeScope(writer, SCOPE, scope);
      for (const span of spans) writeSpan(writer, span);
      writeText(writer, SCHEMA_URL, scopeSchemaUrl);
      writer.end(scopeMark, 3);
    }
    writeText(writer, SCHEMA_URL, schemaUrl);
    writer.end(mark, 3);
  }
  return writer.finish();
}

function writeSpan(writer: ProtoWriter, span: OtlpSpan): void {
  const mark = writer.begin(SPANS, 2);
  if (span.traceId) writer.hex(SPAN.traceId, span.traceId);
  if (span.spanId) writer.hex(SPAN.spanId, span.spanId);
  writeText(writer, SPAN.traceState, span.traceState);
  if (span.parentSpanId) writer.hex(SPAN.parentSpanId, span.parentSpanId);
  writeText(writer, SPAN.name, span.name);
  writeCount(writer, SPAN.kind, span.kind);
  if (span.startTimeUnixNano) writer.fixed64(SPAN.startTime, span.startTimeUnixNano);
  if (span.endTimeUnixNano) writer.fixed64(SPAN.endTime, span.endTimeUnixNano);
  if (span.attributes) writeKeyValues(writer, SPAN.attributes, span.attributes);
  writeCount(writer, SPAN.droppedAttributes, span.droppedAttributesCount);
  if (span.events) for (const event of span.events) writeEvent(writer, event);
  writeCount(writer, SPAN.droppedEvents, span.droppedEventsCount);
  if (span.links) for (const link of span.links) writeLink(writer, link);
  writeCount(writer, SPAN.droppedLinks, span.droppedLinksCount);
  if (span.status) writeStatus(writer, span.status);
  if (span.flags) writer.fixed32(SPAN.flags, span.flags);
  writer.end(mark, 2);
}

function writeEvent(writer: ProtoWriter, event: OtlpSpanEvent): void {
  const mark = writer.begin(SPAN.events, 1);
  if (event.timeUnixNano) writer.fixed64(EVENT_TIME, event.timeUnixNano);
  writeText(writer, EVENT_NAME, event.name);
  if (event.attributes) writeKeyValues(writer, EVENT_ATTRIBUTES, event.attributes);
  writeCount(writer, EVENT_DROPPED, event.droppedAttributesCount);
  writer.end(mark, 1);
}

/** The status of a span, with its tag. */
export function writeStatus(writer: ProtoWriter, { message, code }: NonNullable<OtlpSpan["status"]>): void {
  const mark = writer.begin(SPAN.status, 1);
  writeText(writer, STATUS_MESSAGE, message);
  writeCount(writer, STATUS_CODE, code);
  writer.end(mark, 1);
}

/** A link of a span, with its tag. */
export function writeLink(writer: ProtoWriter, link: OtlpLink): void {
  const mark = writer.begin(SPAN.links, 1);
  if (link.traceId) writer.hex(SPAN.traceId, link.traceId);
  if (link.spanId) writer.hex(SPAN.spanId, link.spanId);
  writeText(writer, LINK_TRACE_STATE, link.traceState);
  if (link.attributes) writeKeyValues(writer, LINK_ATTRIBUTES, link.attributes);
  writeCount(writer, LINK_DROPPED, link.droppedAttributesCount);
  if (link.flags) writer.fixed32(LINK_FLAGS, link.flags);
  writer.end(mark, 1);
}
