import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Signal } from "../model.ts";
import { encodeByOracle } from "../testing/oracle.ts";
import { mergeRequests } from "./merge-requests.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { resourceStamp } from "./resource-stamp.ts";
import { stampRequest } from "./stamp-request.ts";
import type { StampedRequest } from "./stamp-result.ts";
import { decodeAttributes, decodeEntries } from "./testing/decode-resources.ts";
import { attribute, concat, entry, fixed64, number, resource, scopeSpans, sized } from "./testing/forge.ts";
import { HOST_ATTRIBUTES, HOST_KEY_VALUES, TEST_STAMP } from "./testing/test-stamp.ts";

function stamp(body: Uint8Array, signal: Signal = "traces"): StampedRequest {
  const result = stampRequest(signal, body, TEST_STAMP);
  if ("error" in result) throw new Error(`${result.error.reason} at ${result.error.offset}`);
  return result;
}

function example(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../fixtures", file), "utf8"));
}

const examples: [file: string, signal: Signal, items: number][] = [
  ["trace.json", "traces", 1],
  ["logs.json", "logs", 1],
  ["events.json", "logs", 1],
  ["metrics.json", "metrics", 4],
];

describe("the examples of opentelemetry-proto", () => {
  for (const [file, signal, items] of examples) {
    test(`${file} keeps everything and has the host's attributes in front`, () => {
      const body = encodeByOracle(signal, example(file));
      const stamped = stamp(body, signal);
      const expected = decodeEntries(signal, body);
      for (const { resource } of expected) resource!.attributes!.unshift(...HOST_KEY_VALUES);
      assert.deepEqual(decodeEntries(signal, stamped.bytes), expected);
      assert.deepEqual({ ...stamped, bytes: 0 }, { bytes: 0, items, resources: 1, removed: 0 });
    });
  }
});

test("all bytes outside the Resource stay as they are and where they are", () => {
  const unknown = concat(sized(99, "unknown"), number(98, 2n ** 64n - 1n));
  const kept = [attribute("service.name", "worker"), number(2, 3), sized(9, "unknown")];
  const before = concat(sized(1000, "older spans"), sized(3, "schema"));
  const behind = concat(scopeSpans(2), unknown, scopeSpans(1));
  const body = concat(
    unknown,
    entry(before, resource(kept[0]!, attribute("container.id"), kept[1]!, kept[2]!), behind),
    unknown,
  );
  const stamped = resource(TEST_STAMP.attributes, ...kept);
  assert.deepEqual(stamp(body).bytes, concat(unknown, entry(before, stamped, behind), unknown));
});

test("a Resource that is missing or empty becomes the host's", () => {
  const stamped = entry(resource(TEST_STAMP.attributes), scopeSpans(1));
  assert.deepEqual(stamp(entry(scopeSpans(1))).bytes, stamped);
  assert.deepEqual(stamp(entry(resource(), scopeSpans(1))).bytes, stamped);
  assert.deepEqual(stamp(entry()).bytes, entry(resource(TEST_STAMP.attributes)));
});

test("a request without entries stays empty", () => {
  const { bytes, items, resources } = stamp(Buffer.alloc(0));
  assert.deepEqual([bytes.length, items, resources], [0, 0, 0]);
});

test("spans, log records and data points are counted, and so is what was removed", () => {
  const spans = stamp(concat(entry(scopeSpans(3), scopeSpans(0)), entry(scopeSpans(200))));
  assert.deepEqual([spans.items, spans.resources, spans.removed], [203, 2, 0]);

  const point = sized(1, fixed64(3));
  const metric = (field: number, points: number) =>
    sized(2, sized(1, "name"), sized(field, ...Array.from({ length: points }, () => point)));
  const metrics = sized(2, metric(5, 2), metric(7, 0), metric(9, 1), metric(10, 1), metric(11, 3));
  assert.equal(stamp(entry(metrics), "metrics").items, 7);

  const logs = sized(2, sized(2, number(2, 9)), sized(2));
  assert.equal(stamp(entry(logs, resource(attribute("container.id"))), "logs").items, 2);
  assert.equal(stamp(entry(resource(attribute("container.id"), attribute("container.id")))).removed, 2);
});

test("stamping again changes nothing", () => {
  const once = stamp(entry(scopeSpans(2), resource(attribute("a"), attribute("service.instance.id"))));
  const twice = stamp(once.bytes);
  assert.deepEqual(twice.bytes, once.bytes);
  assert.equal(twice.removed, HOST_KEY_VALUES.length);
});

test("stamped requests, one behind the other, are one request", () => {
  const bodies = [entry(scopeSpans(1)), Buffer.alloc(0), concat(entry(scopeSpans(2)), entry())];
  const requests = bodies.map((body, index) => {
    const own = resourceStamp({ ...HOST_ATTRIBUTES, "sandglass.sandbox.id": `sbx_${index}` });
    return (stampRequest("traces", body, own) as StampedRequest).bytes;
  });
  const ids = decodeAttributes("traces", mergeRequests(requests)).map(([first]) => first?.value?.stringValue);
  assert.deepEqual(ids, ["sbx_0", "sbx_2", "sbx_2"]);
});

test("an output buffer serves requests of any size, one after the other", () => {
  const output = new OutputBuffer({ keepBytes: 100_000 });
  for (const spans of [1, 3000, 0, 20_000, 2]) {
    const body = concat(entry(scopeSpans(spans)), ...Array.from({ length: 900 }, () => entry()));
    for (const given of [body, new Uint8Array(body)]) {
      const result = stampRequest("traces", given, TEST_STAMP, { output }) as StampedRequest;
      assert.deepEqual(result.bytes, stamp(body).bytes);
    }
  }
});

test("what exceeds a limit is refused as that, however it is spread", () => {
  const limited = (body: Uint8Array, limits: { maxItems?: number; maxResources?: number }) => {
    const result = stampRequest("traces", body, TEST_STAMP, limits);
    return "error" in result ? `${result.error.kind} ${result.error.offset}` : result.items;
  };
  const two = concat(entry(scopeSpans(2)), entry(scopeSpans(2), scopeSpans(1)));
  const second = entry(scopeSpans(2)).length;
  assert.equal(limited(two, { maxItems: 5, maxResources: 2 }), 5);
  assert.equal(limited(two, { maxItems: 4 }), `limit ${second}`);
  assert.equal(limited(two, { maxResources: 1 }), `limit ${second}`);
  // Two bytes each, of which the stamp would make hundreds.
  assert.equal(limited(Buffer.alloc(2 ** 20, entry()), {}), "limit 2000");
});

test("the host says only what it owns", () => {
  assert.throws(
    () => resourceStamp({ "service.name": "worker" }),
    /service\.name is not a key that the host owns/,
  );
  assert.equal(resourceStamp({ "sandglass.run.id": undefined }).attributes.length, 0);
});

test("spans of any size are counted and passed on whole", () => {
  for (const size of [0, 1, 100, 2 ** 7, 2 ** 14 - 40, 2 ** 14, 2 ** 21 - 40, 2 ** 21]) {
    const spans = Array.from({ length: 3 }, () => sized(2, sized(5, "x".repeat(size))));
    const result = stamp(entry(sized(2, ...spans)));
    assert.equal(result.items, 3);
    const [decoded] = decodeEntries("traces", result.bytes);
    assert.deepEqual(decoded?.resource?.attributes, HOST_KEY_VALUES);
    assert.deepEqual(
      decoded?.scopeSpans?.[0]?.spans?.map(({ name = "" }) => name.length),
      [size, size, size],
    );
  }
});
