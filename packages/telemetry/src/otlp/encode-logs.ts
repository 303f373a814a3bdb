import {
  writeAnyValue,
  writeCount,
  writeKeyValues,
  writeResource,
  writeScope,
  writeText,
} from "./encode-common.ts";
import type { LogsData, OtlpLogRecord } from "./model.ts";
import { ProtoWriter } from "./proto-writer.ts";
import { FIXED32, FIXED64, LEN, tag, VARINT } from "./wire.ts";

const RESOURCE_LOGS = tag(1, LEN);
const RESOURCE = tag(1, LEN);
const SCOPE_LOGS = tag(2, LEN);
const SCHEMA_URL = tag(3, LEN);
const SCOPE = tag(1, LEN);
/** The tag of a log record. */
export const LOG_RECORDS: number = tag(2, LEN);

/** Tags of a log record's fields. */
export const LOG_RECORD = {
  time: tag(1, FIXED64),
  severityNumber: tag(2, VARINT),
  severityText: tag(3, LEN),
  body: tag(5, LEN),
  attributes: tag(6, LEN),
  droppedAttributes: tag(7, VARINT),
  flags: tag(8, FIXED32),
  traceId: tag(9, LEN),
  spanId: tag(10, LEN),
  observedTime: tag(11, FIXED64),
  eventName: tag(12, LEN),
} as const;

/** `ExportLogsServiceRequest`, which `LogsData` is byte for byte. @param sizeHint bytes that will be about enough */
export function encodeLogs(data: LogsData, sizeHint?: number): Buffer {
  const writer = new ProtoWriter(sizeHint);
  for (const { resource, scopeLogs = [], schemaUrl } of data.resourceLogs ?? []) {
    const mark = writer.begin(RESOURCE_LOGS, 3);
    if (resource) writeResource(writer, RESOURCE, resource);
    for (const { scope, logRecords = [], schemaUrl: scopeSchemaUrl } of scopeLogs) {
      const scopeMark = writer.begin(SCOPE_LOGS, 3);
      if (scope) writeScope(writer, SCOPE, scope);
      for (const record of logRecords) writeOtlpLogRecord(writer, record);
      writeText(writer, SCHEMA_URL, scopeSchemaUrl);
      writer.end(scopeMark, 3);
    }
    writeText(writer, SCHEMA_URL, schemaUrl);
    writer.end(mark, 3);
  }
  return writer.finish();
}

/** Under the tag {@link LOG_RECORDS}. */
export function writeOtlpLogRecord(writer: ProtoWriter, record: OtlpLogRecord): void {
  const mark = writer.begin(LOG_RECORDS, 2);
  if (record.timeUnixNano) writer.fixed64(LOG_RECORD.time, record.timeUnixNano);
  if (record.observedTimeUnixNano) writer.fixed64(LOG_RECORD.observedTime, record.observedTimeUnixNano);
  writeCount(writer, LOG_RECORD.severityNumber, record.severityNumber);
  writeText(writer, LOG_RECORD.severityText, record.severityText);
  if (record.body) {
    const bodyMark = writer.begin(LOG_RECORD.body, 1);
    writeAnyValue(writer, record.body);
    writer.end(bodyMark, 1);
  }
  if (record.attributes) writeKeyValues(writer, LOG_RECORD.attributes, record.attributes);
  writeCount(writer, LOG_RECORD.droppedAttributes, record.droppedAttributesCount);
  if (record.flags) writer.fixed32(LOG_RECORD.flags, record.flags);
  if (record.traceId) writer.hex(LOG_RECORD.traceId, record.traceId);
  if (record.spanId) writer.hex(LOG_RECORD.spanId, record.spanId);
  writeText(writer, LOG_RECORD.eventName, record.eventName);
  writer.end(mark, 2);
}
