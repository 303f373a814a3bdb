import { writeCount, writeKeyValues, writeResource, writeScope, writeText } from "./encode-common.ts";
import type { OtlpLink, OtlpSpan, OtlpSpanEvent, TracesData } from "./model.ts";
import { ProtoWriter } from "./proto-writer.ts";
import { FIXED32, FIXED64, LEN, tag, VARINT } from "./wire.ts";

const RESOURCE_SPANS = tag(1, LEN);
const RESOURCE = tag(1, LEN);
const SCOPE_SPANS = tag(2, LEN);
const SCHEMA_URL = tag(3, LEN);
const SCOPE = tag(1, LEN);
const SPANS = tag(2, LEN);

const TRACE_ID = tag(1, LEN);
const SPAN_ID = tag(2, LEN);
const TRACE_STATE = tag(3, LEN);
const PARENT_SPAN_ID = tag(4, LEN);
const NAME = tag(5, LEN);
const KIND = tag(6, VARINT);
const START_TIME = tag(7, FIXED64);
const END_TIME = tag(8, FIXED64);
const ATTRIBUTES = tag(9, LEN);
const DROPPED_ATTRIBUTES = tag(10, VARINT);
const EVENTS = tag(11, LEN);
const DROPPED_EVENTS = tag(12, VARINT);
const LINKS = tag(13, LEN);
const DROPPED_LINKS = tag(14, VARINT);
const STATUS = tag(15, LEN);
const STATUS_MESSAGE = tag(2, LEN);
const STATUS_CODE = tag(3, VARINT);
/** Field 16: a tag of two bytes, 0x85 0x01. */
const FLAGS = 0x0185;

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
  if (span.traceId) writer.hex(TRACE_ID, span.traceId);
  if (span.spanId) writer.hex(SPAN_ID, span.spanId);
  writeText(writer, TRACE_STATE, span.traceState);
  if (span.parentSpanId) writer.hex(PARENT_SPAN_ID, span.parentSpanId);
  writeText(writer, NAME, span.name);
  writeCount(writer, KIND, span.kind);
  if (span.startTimeUnixNano) writer.fixed64(START_TIME, span.startTimeUnixNano);
  if (span.endTimeUnixNano) writer.fixed64(END_TIME, span.endTimeUnixNano);
  if (span.attributes) writeKeyValues(writer, ATTRIBUTES, span.attributes);
  writeCount(writer, DROPPED_ATTRIBUTES, span.droppedAttributesCount);
  if (span.events) for (const event of span.events) writeEvent(writer, event);
  writeCount(writer, DROPPED_EVENTS, span.droppedEventsCount);
  if (span.links) for (const link of span.links) writeLink(writer, link);
  writeCount(writer, DROPPED_LINKS, span.droppedLinksCount);
  if (span.status) {
    const statusMark = writer.begin(STATUS, 1);
    writeText(writer, STATUS_MESSAGE, span.status.message);
    writeCount(writer, STATUS_CODE, span.status.code);
    writer.end(statusMark, 1);
  }
  if (span.flags) writer.fixed32(FLAGS, span.flags);
  writer.end(mark, 2);
}

function writeEvent(writer: ProtoWriter, event: OtlpSpanEvent): void {
  const mark = writer.begin(EVENTS, 1);
  if (event.timeUnixNano) writer.fixed64(EVENT_TIME, event.timeUnixNano);
  writeText(writer, EVENT_NAME, event.name);
  if (event.attributes) writeKeyValues(writer, EVENT_ATTRIBUTES, event.attributes);
  writeCount(writer, EVENT_DROPPED, event.droppedAttributesCount);
  writer.end(mark, 1);
}

function writeLink(writer: ProtoWriter, link: OtlpLink): void {
  const mark = writer.begin(LINKS, 1);
  if (link.traceId) writer.hex(TRACE_ID, link.traceId);
  if (link.spanId) writer.hex(SPAN_ID, link.spanId);
  writeText(writer, LINK_TRACE_STATE, link.traceState);
  if (link.attributes) writeKeyValues(writer, LINK_ATTRIBUTES, link.attributes);
  writeCount(writer, LINK_DROPPED, link.droppedAttributesCount);
  if (link.flags) writer.fixed32(LINK_FLAGS, link.flags);
  writer.end(mark, 1);
}
