import fc from "fast-check";
import type { AnyValue, KeyValue, Resource, Signal } from "../../model.ts";
import { arbitraryLogs, arbitraryMetrics, arbitraryTraces } from "../../testing/arbitrary-otlp.ts";
import { encodeByOracle } from "../../testing/oracle.ts";
import { HOST_OWNED_KEYS } from "../host-owned-keys.ts";
import {
  attribute,
  concat,
  entry,
  fixed32,
  fixed64,
  number,
  resource,
  scopeSpans,
  sized,
  tagOf,
  varint,
} from "./forge.ts";

/** Keys that the host owns, such as begin like one of them, and any other. */
const key = fc.oneof(
  fc.constantFrom(...HOST_OWNED_KEYS),
  fc.constantFrom(
    "sandglass",
    "sandglass.sandbox",
    "service",
    "service.instance",
    "container",
    "sandbox.id",
    "id",
  ),
  fc.constantFrom("\u{feff}sandglass.sandbox.id", "sandglass.sandbox.id\0", "service.name", ""),
  fc.string({ unit: "binary", maxLength: 30 }).map((text) => text.toWellFormed()),
);

const { attributes } = fc.letrec<{ value: AnyValue; attributes: KeyValue[] }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.record({ stringValue: fc.string({ maxLength: 200 }) }),
    fc.record({ intValue: fc.integer().map(String) }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ kvlistValue: fc.record({ values: tie("attributes") }) }),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie("value"), { minLength: 1, maxLength: 3 }) }) }),
  ),
  attributes: fc.array(fc.record({ key, value: tie("value") }), { minLength: 1, maxLength: 6 }),
}));

const plainResource: fc.Arbitrary<Resource> = fc.record(
  { attributes, droppedAttributesCount: fc.integer({ min: 1, max: 2 ** 31 - 1 }) },
  { requiredKeys: [] },
);

/** A valid request of some signal, as protobufjs writes it, whose Resources try to speak for the host. */
export const hostileRequest: fc.Arbitrary<{ signal: Signal; bytes: Buffer }> = fc
  .tuple(
    fc.oneof(
      arbitraryTraces.map((data) => ({ signal: "traces" as const, entries: data.resourceSpans ?? [] })),
      arbitraryLogs.map((data) => ({ signal: "logs" as const, entries: data.resourceLogs ?? [] })),
      arbitraryMetrics.map((data) => ({ signal: "metrics" as const, entries: data.resourceMetrics ?? [] })),
    ),
    fc.array(fc.option(plainResource, { nil: undefined }), { minLength: 3, maxLength: 3 }),
  )
  .map(([{ signal, entries }, resources]) => {
    const list = { traces: "resourceSpans", logs: "resourceLogs", metrics: "resourceMetrics" }[signal];
    const data = { [list]: entries.map((entry, index) => ({ ...entry, resource: resources[index] })) };
    return { signal, bytes: Buffer.from(encodeByOracle(signal, data)) };
  });

const payload = fc.oneof(
  fc.constantFrom(...HOST_OWNED_KEYS, "sandglass", "sandglass.sandbox", "x").map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
);
const fieldNumber = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 16 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 99, 2 ** 29 - 1, 2 ** 29) },
);
const padding = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 10 }) },
);

const { message } = fc.letrec<{ field: Buffer; message: Buffer }>((tie) => ({
  field: fc.oneof(
    {
      weight: 12,
      arbitrary: fc
        .tuple(fieldNumber, padding, padding, fc.oneof({ depthSize: "medium" }, payload, tie("message")))
        .map(([field, tagSize, size, value]) =>
          concat(tagOf(field, 2, tagSize), varint(value.length, size), value),
        ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fieldNumber, fc.integer({ min: 0, max: 7 }), fc.uint8Array({ maxLength: 9 }))
        .map(([field, wireType, value]) => concat(tagOf(field, wireType), value)),
    },
  ),
  message: fc.array(tie("field"), { maxLength: 4, size: "max" }).map((fields) => concat(...fields)),
}));

/** Bytes that are framed as protobuf is, mostly, and otherwise make little sense. */
export const framedBytes: fc.Arbitrary<Buffer> = message;

const STRAY = [Buffer.of(0x80), Buffer.of(0xc0, 0xae), Buffer.of(0xef, 0xbb, 0xbf), Buffer.from("x")];
const rawKey = fc
  .tuple(
    fc.constantFrom(Buffer.alloc(0), Buffer.alloc(0), ...STRAY),
    fc.constantFrom(...HOST_OWNED_KEYS, "sandglass", "service.instance", "service.name"),
    fc.constantFrom(Buffer.alloc(0), Buffer.alloc(0), ...STRAY),
  )
  .map((parts) => concat(...parts));
const rawValue = fc.oneof(
  fc.constant(sized(1, "x")),
  rawKey.map((inner) => sized(6, attribute(inner))),
  rawKey.map((inner) => sized(5, sized(1, sized(6, attribute(inner))))),
  fc.constantFrom(sized(6, attribute("sandbox.id")), sized(6, attribute("id")), fixed64(4)),
);
const rawAttribute = fc
  .array(
    fc.oneof(
      rawKey.map((text) => sized(1, text)),
      fc.array(rawValue, { maxLength: 2 }).map((values) => sized(2, ...values)),
      fc.constantFrom(fixed32(9), sized(9, "x"), number(3, 1)),
    ),
    { maxLength: 4 },
  )
  .map((fields) => sized(1, ...fields));
const rawResource = fc.array(rawAttribute, { maxLength: 3 }).map((attributes) => resource(...attributes));

/** Requests whose framing is sound, and whose Resources are as odd as that allows. */
export const oddResources: fc.Arbitrary<Buffer> = fc
  .array(
    fc
      .array(fc.oneof(rawResource, fc.constantFrom(scopeSpans(1), sized(3, "x"), number(4, 5))), {
        maxLength: 4,
      })
      .map((fields) => entry(...fields)),
    { maxLength: 3 },
  )
  .map((entries) => concat(...entries));

/** Bytes, cut, turned around and patched with others. */
export function mutated(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const position = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const change = fc.oneof(
    fc.tuple(position, fc.integer({ min: 0, max: 7 })).map(([at, bit]) => (given: Buffer) => {
      const changed = Buffer.from(given);
      const index = Math.floor(at * given.length);
      if (index < changed.length) changed[index]! ^= 1 << bit;
      return changed;
    }),
    position.map((at) => (given: Buffer) => given.subarray(0, Math.floor(at * given.length))),
    fc.tuple(position, position, position).map(([from, to, at]) => (given: Buffer) => {
      const [start, end] = [from, to].map((share) => Math.floor(share * given.length)).sort((a, b) => a - b);
      const index = Math.floor(at * given.length);
      return concat(given.subarray(0, index), given.subarray(start, end), given.subarray(index));
    }),
    fc.tuple(position, framedBytes).map(([at, patch]) => (given: Buffer) => {
      const index = Math.floor(at * given.length);
      return concat(given.subarray(0, index), patch, given.subarray(index + patch.length));
    }),
  );
  return fc
    .tuple(bytes, fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([given, changes]) => changes.reduce((current, apply) => apply(current), given));
}
