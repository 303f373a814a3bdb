import { MalformedOtlpError } from "./malformed-otlp-error.ts";
import type {
  AnyValue,
  LogsData,
  MetricsData,
  OtlpLink,
  OtlpSpanEvent,
  Resource,
  Scope,
  TracesData,
} from "./model.ts";
import { ProtoReader } from "./proto-reader.ts";
import {
  type Field,
  LOGS_DATA,
  METRICS_DATA,
  type Message,
  PARTS,
  type ScalarKind,
  TRACES_DATA,
} from "./schema.ts";
import { FIXED32, FIXED64, LEN, VARINT } from "./wire.ts";

/** Values may hold values: no deeper than protobuf's own readers go. */
const MAX_DEPTH = 100;

/**
 * Reads an `ExportTraceServiceRequest`. Unknown fields are left out.
 *
 * @throws MalformedOtlpError where the bytes are no such message
 */
export function tracesFromProtobuf(bytes: Uint8Array): TracesData {
  return readMessage(bytes, TRACES_DATA, 0);
}

/** `ExportLogsServiceRequest`; as {@link tracesFromProtobuf}. */
export function logsFromProtobuf(bytes: Uint8Array): LogsData {
  return readMessage(bytes, LOGS_DATA, 0);
}

/** `ExportMetricsServiceRequest`; as {@link tracesFromProtobuf}. */
export function metricsFromProtobuf(bytes: Uint8Array): MetricsData {
  return readMessage(bytes, METRICS_DATA, 0);
}

/** What {@link partFromProtobuf} reads, by name. */
export interface OtlpParts {
  anyValue: AnyValue;
  resource: Resource;
  scope: Scope;
  spanEvent: OtlpSpanEvent;
  link: OtlpLink;
}

/** A message that stands within a request; as {@link tracesFromProtobuf}. */
export function partFromProtobuf<Name extends keyof OtlpParts>(
  bytes: Uint8Array,
  name: Name,
): OtlpParts[Name] {
  return readMessage(bytes, PARTS[name], 0) as unknown as OtlpParts[Name];
}

function readMessage(bytes: Uint8Array, message: Message, depth: number): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw new MalformedOtlpError("values are nested too deep");
  const read: Record<string, unknown> = {};
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    const field = message.byNumber.get(reader.field);
    if (field === undefined) reader.skip();
    else readField(reader, field, read, depth);
  }
  return read;
}

function readField(reader: ProtoReader, field: Field, into: Record<string, unknown>, depth: number): void {
  const { name, kind, isRepeated } = field;
  if (!isRepeated) {
    into[name] = readValue(reader, kind, depth);
    return;
  }
  into[name] ??= [];
  const list = into[name] as unknown[];
  if (reader.wireType === LEN && typeof kind === "string" && WIRE_TYPE[kind] !== LEN) {
    const packed = new ProtoReader(reader.bytes());
    while (!packed.isAtEnd) list.push(readScalar(packed, kind));
  } else list.push(readValue(reader, kind, depth));
}

function readValue(reader: ProtoReader, kind: ScalarKind | Message, depth: number): unknown {
  const expected = typeof kind === "string" ? WIRE_TYPE[kind] : LEN;
  if (reader.wireType !== expected) {
    throw new MalformedOtlpError(`field ${reader.field} has wire type ${reader.wireType}, not ${expected}`);
  }
  return typeof kind === "string" ? readScalar(reader, kind) : readMessage(reader.bytes(), kind, depth + 1);
}

const WIRE_TYPE: Readonly<Record<ScalarKind, number>> = {
  string: LEN,
  bytes: LEN,
  traceId: LEN,
  spanId: LEN,
  bool: VARINT,
  uint32: VARINT,
  sint32: VARINT,
  int64: VARINT,
  uint64: VARINT,
  fixed64: FIXED64,
  sfixed64: FIXED64,
  double: FIXED64,
  fixed32: FIXED32,
};

function readScalar(reader: ProtoReader, kind: ScalarKind): unknown {
  switch (kind) {
    case "bool":
      return reader.varint() !== 0;
    case "bytes":
      return reader.bytes().toString("base64");
    case "traceId":
      return readId(reader, 16);
    case "spanId":
      return readId(reader, 8);
    default:
      return reader[kind]();
  }
}

function readId(reader: ProtoReader, size: number): string {
  const bytes = reader.bytes();
  if (bytes.length !== 0 && bytes.length !== size) {
    throw new MalformedOtlpError(`an id has ${bytes.length} bytes, not ${size}`);
  }
  return bytes.toString("hex");
}
