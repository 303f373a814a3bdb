import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { encodeLogs } from "./encode-logs.ts";
import { encodeMetrics } from "./encode-metrics.ts";
import { encodeTraces } from "./encode-traces.ts";
import { logsFromJson, metricsFromJson, tracesFromJson } from "./from-json.ts";
import { logsFromProtobuf, metricsFromProtobuf, tracesFromProtobuf } from "./from-protobuf.ts";
import { arbitraryLogs, arbitraryMetrics, arbitraryTraces } from "./testing/arbitrary-otlp.ts";
import { decodeByOracle, encodeByOracle, type OracleSignal } from "./testing/oracle.ts";
import { toJson } from "./to-json.ts";

/** The codec of one signal. */
interface Codec<Data extends object> {
  fromJson(json: unknown): Data;
  encode(data: Data): Buffer;
  fromProtobuf(bytes: Uint8Array): Data;
}

const traces = { fromJson: tracesFromJson, encode: encodeTraces, fromProtobuf: tracesFromProtobuf };
const logs = { fromJson: logsFromJson, encode: encodeLogs, fromProtobuf: logsFromProtobuf };
const metrics = { fromJson: metricsFromJson, encode: encodeMetrics, fromProtobuf: metricsFromProtobuf };

describe("the examples of opentelemetry-proto", () => {
  checkExample("trace.json", "traces", traces);
  checkExample("logs.json", "logs", logs);
  checkExample("events.json", "logs", logs);
  checkExample("metrics.json", "metrics", metrics);
});

describe("requests of any content", () => {
  checkAny("traces", traces, arbitraryTraces);
  checkAny("logs", logs, arbitraryLogs);
  checkAny("metrics", metrics, arbitraryMetrics);
});

function checkExample<Data extends object>(file: string, signal: OracleSignal, codec: Codec<Data>): void {
  const json = JSON.parse(readFileSync(join(import.meta.dirname, "fixtures", file), "utf8"));

  test(`${file} reads the same for protobufjs after our encoding, and for us after its`, () => {
    const model = codec.fromJson(json);
    assert.deepEqual(decodeByOracle(signal, codec.encode(model)), model);
    assert.deepEqual(codec.fromProtobuf(encodeByOracle(signal, model)), model);
  });

  test(`${file} comes back from our JSON, with ids in lower case and nothing but defaults left out`, () => {
    const model = codec.fromJson(json);
    const again = JSON.parse(toJson(model));
    assert.deepEqual(codec.fromJson(again), model);
    assert.deepEqual(again, expectedJson(json));
  });
}

function checkAny<Data extends object>(
  signal: OracleSignal,
  codec: Codec<Data>,
  arbitrary: fc.Arbitrary<Data>,
): void {
  test(`protobufjs reads any ${signal} that we encode as what they were`, () => {
    fc.assert(
      fc.property(arbitrary, (data) => {
        assert.deepEqual(decodeByOracle(signal, codec.encode(data)), wellFormed(data));
      }),
      { numRuns: 60 },
    );
  });

  test(`${signal} come back from our protobuf and from our JSON as they were`, () => {
    fc.assert(
      fc.property(arbitrary, (data) => {
        assert.deepEqual(codec.fromProtobuf(codec.encode(data)), wellFormed(data));
        assert.deepEqual(codec.fromJson(JSON.parse(toJson(data))), wellFormed(data));
      }),
      { numRuns: 60 },
    );
  });

  test(`cutting or flipping bytes of ${signal} is a MalformedOtlpError or another reading, never anything else`, () => {
    fc.assert(
      fc.property(arbitrary, fc.nat(), fc.integer({ min: 1, max: 255 }), (data, position, flip) => {
        const bytes = codec.encode(data);
        const at = position % bytes.length;
        assertMalformedOrRead(() => codec.fromProtobuf(bytes.subarray(0, at)));
        bytes[at] = bytes[at]! ^ flip;
        assertMalformedOrRead(() => codec.fromProtobuf(bytes));
      }),
      { numRuns: 100 },
    );
  });
}

function assertMalformedOrRead(read: () => unknown): void {
  try {
    assert.equal(typeof read(), "object");
  } catch (error) {
    assert.equal((error as Error).name, "MalformedOtlpError");
  }
}

/** What UTF-8 makes of halves of surrogate pairs. */
function wellFormed<T>(data: T): T {
  return mapValues(data, (value) => (typeof value === "string" ? value.toWellFormed() : value)) as T;
}

/** An example as we write it: ids in lower case, without its two fields that hold their default. */
function expectedJson(json: unknown): unknown {
  return mapValues(json, (value, name) => {
    if (typeof value === "string" && /^(trace|span|parentSpan)Id$/.test(name)) return value.toLowerCase();
    return (name === "zeroThreshold" || name === "scale") && value === 0 ? undefined : value;
  });
}

function mapValues(value: unknown, map: (value: unknown, name: string) => unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => mapValues(item, map, name));
  if (typeof value !== "object" || value === null) return map(value, name);
  const fields = Object.entries(value).map(([key, item]) => [key, mapValues(item, map, key)] as const);
  return Object.fromEntries(fields.filter(([, item]) => item !== undefined));
}
