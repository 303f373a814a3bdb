import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attributeHash } from "./attribute-hash.ts";
import { encodeTraces } from "./encode-traces.ts";
import { tracesFromProtobuf } from "./from-protobuf.ts";
import { halvesOf } from "./int64.ts";
import type { OtlpSpan, TracesData } from "./model.ts";
import { plainAttributes } from "./plain-attributes.ts";
import { SpanReader } from "./span-reader.ts";
import { arbitraryTraces } from "./testing/arbitrary-otlp.ts";

/** As it is read without making all of it first. */
function readAll(bytes: Buffer): object[] {
  const read: object[] = [];
  new SpanReader((resource, scope) => ({ resource, scope })).read(bytes, (span, about) => {
    const attributes = JSON.parse(span.attributes) as object;
    read.push({ ...span, attributes, hashes: [...span.hashes].sort(), about });
  });
  return read;
}

/** As it is read into an object, which is held against protobufjs elsewhere. */
function expected({ resourceSpans = [] }: TracesData): object[] {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans = [] }) =>
      spans.map((span) => ({ ...plain(span), about: { resource, scope } })),
    ),
  );
}

function plain(span: OtlpSpan): object {
  const attributes = JSON.parse(JSON.stringify({ ...plainAttributes(span.attributes) })) as Record<
    string,
    unknown
  >;
  const hashes = Object.entries(attributes).flatMap(([name, value]) => attributeHash(name, value) ?? []);
  return {
    ...{ trace: span.traceId ?? "", span: span.spanId ?? "", parent: span.parentSpanId ?? "" },
    ...{ name: span.name ?? "", kind: span.kind ?? 0, status: span.status?.code ?? 0 },
    ...{
      start: microsOf(span.startTimeUnixNano),
      end: microsOf(span.endTimeUnixNano),
      message: span.status?.message,
    },
    ...{ attributes, hashes: hashes.sort(), events: span.events, links: span.links },
  };
}

function microsOf(nano: string | undefined): number {
  const { high, low } = halvesOf(nano ?? "0");
  const micros = Number(((BigInt(high) << 32n) | BigInt(low)) / 1000n);
  return Number.isSafeInteger(micros) ? micros : 0;
}

test("spans of any content are read as they are by the reader of whole requests", () => {
  fc.assert(
    fc.property(arbitraryTraces, (data) => {
      const bytes = encodeTraces(data);
      assert.deepEqual(readAll(bytes), expected(tracesFromProtobuf(bytes)));
    }),
    { numRuns: 60 },
  );
});

test("of an attribute that is there twice the first counts, however many there are", () => {
  for (const count of [2, 40]) {
    const others = Array.from({ length: count }, (_, index) => ({
      key: `k${index}`,
      value: { intValue: index },
    }));
    const attributes = [...others, { key: "k0", value: { stringValue: "again" } }];
    const span = { ...IDS, name: "twice", startTimeUnixNano: "1000", endTimeUnixNano: "2000", attributes };
    const [read] = readAll(encodeTraces({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }));
    assert.equal((read as { attributes: Record<string, unknown> }).attributes.k0, 0);
  }
});

test("bytes that end early, or lie about their lengths, are refused and never read for something else", () => {
  const span = {
    ...IDS,
    name: "whole",
    startTimeUnixNano: "1000",
    endTimeUnixNano: "2000",
    attributes: [{ key: "name", value: { stringValue: "value" } }],
    status: { code: 2, message: "no" },
  };
  const bytes = encodeTraces({ resourceSpans: [{ scopeSpans: [{ scope: { name: "s" }, spans: [span] }] }] });
  for (let end = 1; end < bytes.length; end += 1)
    assert.throws(() => readAll(bytes.subarray(0, end)), String(end));
  // One that says it is longer than what it stands in.
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = 0x7f;
    outcome(() => readAll(changed));
  }
});

/** A read that ends, one way or the other. */
function outcome(read: () => object[]): void {
  try {
    assert.ok(read().length <= 1);
  } catch (error) {
    if (!(error instanceof Error && error.name === "MalformedOtlpError")) throw error;
  }
}

const IDS = { traceId: "ab".repeat(16), spanId: "cd".repeat(8) };
