import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FIXED32, FIXED64, LEN, VARINT } from "../wire.ts";
import { stampRequest } from "./stamp-request.ts";
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
} from "./testing/forge.ts";
import { TEST_STAMP } from "./testing/test-stamp.ts";

/** Where in a request a field can stand that the relay itself walks over. */
const places: [where: string, around: (...fields: Uint8Array[]) => Buffer][] = [
  ["a request", concat],
  ["an entry", (...fields) => entry(...fields)],
  ["a Resource", (...fields) => entry(resource(...fields))],
  ["an attribute", (...fields) => entry(resource(sized(1, ...fields)))],
  ["an entity reference", (...fields) => entry(resource(sized(3, ...fields)))],
  ["spans of a scope", (...fields) => entry(sized(2, ...fields))],
];

const GROUP_START = 3;
const GROUP_END = 4;

const broken: [what: string, field: Buffer, reason: RegExp][] = [
  ["a field number 0", concat(tagOf(0, LEN), varint(0)), /^a field has number 0$/],
  ["a group", concat(tagOf(20, GROUP_START), tagOf(20, GROUP_END)), /^wire type 3 is none of proto3$/],
  ["the end of a group", tagOf(20, GROUP_END), /^wire type 4 is none of proto3$/],
  ["wire type 6", tagOf(20, 6), /^wire type 6 is none/],
  ["wire type 7", tagOf(20, 7), /^wire type 7 is none/],
  ["a tag that is cut short", tagOf(20, LEN).subarray(0, 1), /^a tag or a length is cut short$/],
  ["a tag without a length", tagOf(20, LEN), /^a tag or a length is cut short$/],
  ["a tag of 33 bits", concat(tagOf(2n ** 29n, LEN), varint(0)), /^a tag or a length has more than 32 bits$/],
  [
    "a tag of 64 bits that is field 1 in its lowest 32",
    concat(varint(2n ** 63n + 10n), varint(0)),
    /32 bits/,
  ],
  ["a tag of six bytes", concat(tagOf(20, LEN, 6), varint(0)), /32 bits/],
  ["a length of six bytes", concat(tagOf(20, LEN), varint(0, 6)), /32 bits/],
  ["a length of 33 bits", concat(tagOf(20, LEN), varint(2n ** 32n)), /32 bits/],
  ["a length of -1", concat(tagOf(20, LEN), varint(2n ** 64n - 1n)), /32 bits/],
  [
    "a length of 2^32 - 1",
    concat(tagOf(20, LEN), varint(2 ** 32 - 1)),
    /^a field is longer than what holds it$/,
  ],
  ["a length of 2^31", concat(tagOf(20, LEN), varint(2 ** 31)), /longer than what holds it/],
  ["a length that is one too long", concat(tagOf(20, LEN), varint(3), "xx"), /longer than what holds it/],
  ["64 fixed bits cut short", concat(tagOf(20, FIXED64), Buffer.alloc(7)), /longer than what holds it/],
  ["32 fixed bits cut short", concat(tagOf(20, FIXED32), Buffer.alloc(3)), /longer than what holds it/],
  ["a number cut short", concat(tagOf(20, VARINT), Buffer.of(0xff, 0xff)), /^a number is cut short$/],
  ["a number of eleven bytes", number(20, 1, 11), /^a number has more than 64 bits$/],
  ["a number of 65 bits", concat(tagOf(20, VARINT), varint(2n ** 64n)), /^a number has more than 64 bits$/],
];

describe("a request is refused where it is broken, with the reason and the place", () => {
  for (const [what, field, reason] of broken) {
    test(what, () => {
      for (const [where, around] of places) {
        const before = sized(21, "unknown");
        const body = around(before, field);
        for (const content of ["checked", "unchecked"] as const) {
          const result = stampRequest("traces", body, TEST_STAMP, { content });
          assert.ok("error" in result, `in ${where}, ${content}`);
          assert.equal(result.error.kind, "malformed");
          assert.match(result.error.reason, reason, `in ${where}, ${content}`);
          assert.equal(result.error.offset, body.length - field.length, `in ${where}, ${content}`);
        }
      }
    });
  }
});

const numberAsText = concat(tagOf(1, VARINT), varint(20), "sandglass.sandbox.id");
const wrongTypes: [what: string, body: Buffer][] = [
  ["an entry", concat(tagOf(1, VARINT), varint(3), "abc")],
  ["a Resource", entry(number(1, 3))],
  ["spans of a scope", entry(fixed64(2))],
  ["the schema of an entry", entry(fixed32(3))],
  ["an attribute", entry(resource(numberAsText))],
  ["the count of dropped attributes", entry(resource(sized(2, "x")))],
  ["an entity reference", entry(resource(number(3, 1)))],
  ["the key of an attribute", entry(resource(sized(1, numberAsText)))],
  ["the value of an attribute", entry(resource(sized(1, sized(1, "a"), number(2, 1))))],
  [
    "a key of an entity",
    entry(resource(sized(3, concat(tagOf(3, VARINT), varint(20), "sandglass.sandbox.id")))),
  ],
  ["a span", entry(sized(2, number(2, 1)))],
  ["a scope", entry(sized(2, fixed64(1)))],
];

describe("a known field with another wire type than its own is refused, as readers make different things of it", () => {
  for (const [what, body] of wrongTypes) {
    test(what, () => {
      for (const content of ["checked", "unchecked"] as const) {
        const result = stampRequest("traces", body, TEST_STAMP, { content });
        assert.ok("error" in result, content);
        assert.match(result.error.reason, /^field \d (has|cannot have) wire type \d/);
      }
    });
  }

  test("data points", () => {
    for (const data of [number(5, 1), sized(5, number(1, 1))]) {
      for (const content of ["checked", "unchecked"] as const) {
        const result = stampRequest("metrics", entry(sized(2, sized(2, data))), TEST_STAMP, { content });
        assert.ok("error" in result, content);
      }
    }
  });
});

test("a count of dropped attributes that takes more bytes than it can is refused", () => {
  for (const content of ["checked", "unchecked"] as const) {
    assert.ok("error" in stampRequest("traces", entry(resource(number(2, 1, 6))), TEST_STAMP, { content }));
    assert.ok("bytes" in stampRequest("traces", entry(resource(number(2, 1, 5))), TEST_STAMP, { content }));
  }
});

test("a span that leads out of its scope is refused, however its length is written", () => {
  for (const length of [
    varint(2),
    varint(2, 2),
    varint(200),
    varint(2, 3),
    varint(2 ** 14),
    varint(2, 4),
    varint(2 ** 21),
  ]) {
    const body = entry(
      sized(2, sized(2, sized(5, "n")), concat(tagOf(2, LEN), length, "x")),
      sized(3, "schema"),
    );
    for (const content of ["checked", "unchecked"] as const) {
      const result = stampRequest("traces", body, TEST_STAMP, { content });
      assert.equal("error" in result && result.error.reason, "a field is longer than what holds it");
    }
  }
});

test("a request that is cut anywhere is refused, or is one that was whole before", () => {
  const entries = [
    entry(resource(attribute("a")), scopeSpans(2)),
    sized(99, "unknown"),
    entry(scopeSpans(1)),
  ];
  const body = concat(...entries);
  const whole = new Set(
    entries.map((_, index) => concat(...entries.slice(0, index)).length).concat(body.length),
  );
  for (let length = 0; length <= body.length; length++) {
    const result = stampRequest("traces", body.subarray(0, length), TEST_STAMP);
    assert.equal("bytes" in result, whole.has(length), `cut at ${length}`);
  }
});

test("nothing is read beyond a request that is a part of a larger buffer", () => {
  const around = concat(entry(scopeSpans(1)), entry(scopeSpans(3)), entry(scopeSpans(1)));
  const { length } = entry(scopeSpans(1));
  const result = stampRequest("traces", around.subarray(length, -length), TEST_STAMP);
  assert.equal("items" in result && result.items, 3);
  assert.ok("error" in stampRequest("traces", around.subarray(length, -length - 1), TEST_STAMP));
});

test("values that nest beyond what protobuf's readers follow are refused", () => {
  const nested = (levels: number) => {
    let value = sized(1, "deep");
    for (let level = 0; level < levels; level++) value = sized(5, sized(1, value));
    return entry(sized(2, sized(2, sized(9, sized(1, "a"), sized(2, value)))));
  };
  assert.ok("bytes" in stampRequest("traces", nested(47), TEST_STAMP));
  const result = stampRequest("traces", nested(48), TEST_STAMP);
  assert.equal("error" in result && result.error.reason, "messages are nested too deep");
  // Without going there, it does not matter how deep it is.
  assert.ok("bytes" in stampRequest("traces", nested(2000), TEST_STAMP, { content: "unchecked" }));
});
