import { parseInt64 } from "./int64.ts";
import { MalformedOtlpError } from "./malformed-otlp-error.ts";
import type { LogsData, MetricsData, TracesData } from "./model.ts";
import { type Field, LOGS_DATA, METRICS_DATA, type Message, type ScalarKind, TRACES_DATA } from "./schema.ts";

/** Values may hold values: no deeper than protobuf's own readers go. */
const MAX_DEPTH = 100;
const MAX_UINT32 = 0xffff_ffff;
const MAX_INT32 = 0x7fff_ffff;

/**
 * Reads a parsed OTLP/JSON request. Fields with unknown names are left out, as are those that hold their default; ids become
 * lower-case; `null` is absence.
 *
 * @throws MalformedOtlpError naming the first field that holds what it may not
 */
export function tracesFromJson(json: unknown): TracesData {
  return readMessage(json, TRACES_DATA, "", 0);
}

/** As {@link tracesFromJson}. */
export function logsFromJson(json: unknown): LogsData {
  return readMessage(json, LOGS_DATA, "", 0);
}

/** As {@link tracesFromJson}. */
export function metricsFromJson(json: unknown): MetricsData {
  return readMessage(json, METRICS_DATA, "", 0);
}

function readMessage(json: unknown, message: Message, path: string, depth: number): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw new MalformedOtlpError(`${path}: nested too deep`);
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw wrong(path, "an object");
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(json)) {
    const field = message.byName.get(name);
    if (field === undefined || value === null) continue;
    const kept = readField(value, field, path === "" ? name : `${path}.${name}`, depth);
    if (kept !== undefined) read[name] = kept;
  }
  return read;
}

/** Undefined for a default that is the same as absence. */
function readField(value: unknown, field: Field, path: string, depth: number): unknown {
  const { kind, isRepeated, hasPresence } = field;
  if (isRepeated) {
    if (!Array.isArray(value)) throw wrong(path, "an array");
    if (value.length === 0) return undefined;
    return value.map((item, index) => readItem(item, kind, `${path}[${index}]`, depth));
  }
  const read = readItem(value, kind, path, depth);
  return !hasPresence && isDefault(read, kind) ? undefined : read;
}

function isDefault(value: unknown, kind: ScalarKind | Message): boolean {
  return value === 0 || value === false || value === "" || (value === "0" && kind !== "string");
}

function readItem(value: unknown, kind: ScalarKind | Message, path: string, depth: number): unknown {
  return typeof kind === "string" ? readScalar(value, kind, path) : readMessage(value, kind, path, depth + 1);
}

function readScalar(value: unknown, kind: ScalarKind, path: string): unknown {
  switch (kind) {
    case "string":
      if (typeof value !== "string") throw wrong(path, "a text");
      return value;
    case "bool":
      if (typeof value !== "boolean") throw wrong(path, "true or false");
      return value;
    case "uint32":
    case "fixed32":
      return readInteger(value, 0, MAX_UINT32, path);
    case "sint32":
      return readInteger(value, -MAX_INT32 - 1, MAX_INT32, path);
    case "int64":
    case "sfixed64":
    case "uint64":
    case "fixed64": {
      const text = parseInt64(value, kind === "int64" || kind === "sfixed64");
      if (text === undefined) throw wrong(path, "a 64-bit integer");
      return text;
    }
    case "double":
      return readDouble(value, path);
    case "bytes":
      // Both alphabets and absent padding are read (protobuf's JSON mapping), one is written.
      if (typeof value !== "string" || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) throw wrong(path, "base64");
      return Buffer.from(value, "base64").toString("base64");
    case "traceId":
      return readId(value, 32, path);
    case "spanId":
      return readId(value, 16, path);
  }
}

function readInteger(value: unknown, min: number, max: number, path: string): number {
  // The JSON mapping of protobuf takes a number in quotes as well.
  const number = typeof value === "string" && /^-?\d{1,10}$/.test(value) ? Number(value) : value;
  if (!Number.isInteger(number) || (number as number) < min || (number as number) > max) {
    throw wrong(path, "a 32-bit integer");
  }
  return number as number;
}

const NAMED_DOUBLES: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

function readDouble(value: unknown, path: string): number {
  if (typeof value === "number") return value;
  if (typeof value === "string") {
    const named = Object.hasOwn(NAMED_DOUBLES, value) ? NAMED_DOUBLES[value] : undefined;
    if (named !== undefined) return named;
    if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return Number(value);
  }
  throw wrong(path, "a number");
}

function readId(value: unknown, digits: number, path: string): string {
  if (value === "") return "";
  if (typeof value !== "string" || value.length !== digits || !/^[0-9a-fA-F]*$/.test(value)) {
    throw wrong(path, `${digits} hexadecimal digits`);
  }
  return value.toLowerCase();
}

function wrong(path: string, expected: string): MalformedOtlpError {
  return new MalformedOtlpError(`${path || "the request"} is not ${expected}`);
}
