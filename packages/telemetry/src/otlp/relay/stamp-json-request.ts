import { isUtf8 } from "node:buffer";
import { encodeLogs } from "../encode-logs.ts";
import { encodeMetrics } from "../encode-metrics.ts";
import { encodeTraces } from "../encode-traces.ts";
import { logsFromJson, metricsFromJson, tracesFromJson } from "../from-json.ts";
import { MalformedOtlpError } from "../malformed-otlp-error.ts";
import type { Signal } from "../model.ts";
import { countJsonValues } from "./count-json-values.ts";
import { isOrdinaryJson, parseExactJson } from "./exact-json.ts";
import type { ResourceStamp } from "./resource-stamp.ts";
import { type StampOptions, stampRequest } from "./stamp-request.ts";
import type { RelayError, StampResult } from "./stamp-result.ts";

/** The encoder takes the size of the JSON for a guess; it is seldom less than half of it. */
const SIZE_SHARE = 0.5;
/**
 * Values in one request: objects, lists, texts, numbers. They are what parsing takes its time for, about a microsecond each, while
 * nobody else is served; and each takes a hundred bytes and more of memory, which two bytes of JSON are enough for. 512 spans with 20
 * attributes each have 45,000.
 */
const MAX_VALUES = 150_000;
/** The same where every value has to be looked at while it is parsed, which takes several times as long, and the memory for it. */
const MAX_UNUSUAL_VALUES = 60_000;

/**
 * As `stampRequest`, for a request in OTLP/JSON. It is passed on in protobuf: from there on there is one way for all. Fields with
 * unknown names are left out, as the specification has receivers do.
 *
 * @param body JSON in UTF-8, not compressed
 */
export function stampJsonRequest(
  signal: Signal,
  body: Uint8Array,
  stamp: ResourceStamp,
  options: StampOptions = {},
): StampResult {
  const encoded = encode(signal, body);
  // What our own encoder wrote needs no checking.
  return "error" in encoded
    ? encoded
    : stampRequest(signal, encoded.bytes, stamp, { ...options, content: "unchecked" });
}

function encode(signal: Signal, body: Uint8Array): { bytes: Buffer } | { error: RelayError } {
  if (!isUtf8(body)) return malformed("the body is not UTF-8");
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  const maxValues = isOrdinaryJson(text) ? MAX_VALUES : MAX_UNUSUAL_VALUES;
  // Each takes a byte at least.
  if (body.length > maxValues && countJsonValues(body) > maxValues) {
    return { error: { kind: "limit", reason: `more than ${maxValues} values in JSON`, offset: 0 } };
  }
  try {
    return { bytes: encodeJson(signal, parseExactJson(text), Math.ceil(body.length * SIZE_SHARE)) };
  } catch (error) {
    if (error instanceof MalformedOtlpError) return malformed(error.message);
    // The parser's message quotes the body, which is not ours to repeat.
    if (error instanceof SyntaxError) return malformed("the body is no JSON");
    if (error instanceof RangeError) return malformed("the body is nested too deep");
    throw error;
  }
}

function encodeJson(signal: Signal, json: unknown, sizeHint: number): Buffer {
  switch (signal) {
    case "traces":
      return encodeTraces(tracesFromJson(json), sizeHint);
    case "logs":
      return encodeLogs(logsFromJson(json), sizeHint);
    case "metrics":
      return encodeMetrics(metricsFromJson(json), sizeHint);
  }
}

function malformed(reason: string): { error: RelayError } {
  return { error: { kind: "malformed", reason, offset: 0 } };
}
