import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FIXED64, LEN } from "../wire.ts";
import { HOST_OWNED_KEYS } from "./host-owned-keys.ts";
import { stampRequest } from "./stamp-request.ts";
import type { StampedRequest } from "./stamp-result.ts";
import { decodeAttributes } from "./testing/decode-resources.ts";
import {
  attribute,
  concat,
  entry,
  number,
  resource,
  scopeSpans,
  sized,
  tagOf,
  varint,
} from "./testing/forge.ts";
import { HOST_KEY_VALUES, TEST_STAMP } from "./testing/test-stamp.ts";

const ID = "sandglass.sandbox.id";
const value = (...anyValue: Uint8Array[]) => sized(2, ...anyValue);
const text = (content: string) => sized(1, content);

/** Stamps, and expects of every Resource that it holds the host's attributes and, besides, what is listed. */
function assertKept(body: Uint8Array, ...kept: string[][]): void {
  const { bytes } = stampRequest("traces", body, TEST_STAMP) as StampedRequest;
  // A plain array of bytes is decoded by other code than a buffer is.
  for (const read of [bytes, new Uint8Array(bytes)]) {
    const decoded = decodeAttributes("traces", read);
    for (const attributes of decoded) {
      assert.deepEqual(attributes.slice(0, HOST_KEY_VALUES.length), HOST_KEY_VALUES);
    }
    const others = decoded.map((attributes) =>
      attributes.slice(HOST_KEY_VALUES.length).map(({ key }) => key ?? ""),
    );
    assert.deepEqual(others, kept);
  }
}

const forgeries: [how: string, fields: Uint8Array[]][] = [
  ["as it is", [attribute(ID)]],
  ["repeated", [attribute(ID), attribute(ID, "other"), attribute(ID)]],
  ["with a value that is no text", [sized(1, sized(1, ID), value(number(3, 7)))]],
  ["with a value of bytes", [sized(1, sized(1, ID), value(sized(7, "forged")))]],
  ["with a value of no known kind", [sized(1, sized(1, ID), value(sized(8, "forged")))]],
  ["without a value", [sized(1, sized(1, ID))]],
  ["behind its value", [sized(1, value(text("forged")), sized(1, ID))]],
  ["as the last key of several", [sized(1, sized(1, "harmless"), sized(1, ID), value(text("forged")))]],
  ["as the first key of several", [sized(1, sized(1, ID), sized(1, "harmless"), value(text("forged")))]],
  ["among unknown fields", [sized(1, number(15, 1), sized(1, ID), sized(14, "x"), value(text("forged")))]],
  [
    "with a tag that is longer than it has to be",
    [concat(tagOf(1, LEN, 3), varint(23), tagOf(1, LEN, 2), varint(20), ID)],
  ],
  [
    "with lengths that are longer than they have to be",
    [concat(tagOf(1, LEN), varint(26, 5), tagOf(1, LEN), varint(20, 5), ID)],
  ],
  ["with a byte order mark, which TextDecoder drops", [attribute(`\u{feff}${ID}`)]],
  ["with stray bytes, which protobufjs drops", [attribute(concat(ID, Buffer.of(0x80)))]],
  [
    "in UTF-8 that is longer than it has to be",
    [attribute(concat("sandglass", Buffer.of(0xc0, 0xae), "sandbox", Buffer.of(0xc0, 0xae), "id"))],
  ],
  [
    "as a map that flattens to it",
    [
      sized(
        1,
        sized(1, "sandglass"),
        value(sized(6, sized(1, sized(1, "sandbox.id"), value(text("forged"))))),
      ),
    ],
  ],
  [
    "as such a map under the first key of several",
    [sized(1, sized(1, "sandglass"), sized(1, "harmless"), value(sized(6, attribute("sandbox.id"))))],
  ],
  [
    "as a list of such maps",
    [sized(1, sized(1, "sandglass.sandbox"), value(sized(5, sized(1, sized(6, attribute("id"))))))],
  ],
  [
    "as a map that a harmless value stands before",
    [sized(1, sized(1, "sandglass"), value(text("x")), value(text("x"), sized(6, attribute("sandbox.id"))))],
  ],
];

describe("an attribute that the host owns is removed", () => {
  for (const [how, fields] of forgeries) {
    test(how, () => {
      const rest = [attribute("service.name"), ...fields, attribute("service.version")];
      assertKept(entry(resource(...rest), scopeSpans(1)), ["service.name", "service.version"]);
    });
  }

  test("whichever it is, also where the host has nothing to put in its place", () => {
    assertKept(entry(resource(...HOST_OWNED_KEYS.map((key) => attribute(key)))), []);
  });

  test("in every entry, in every Resource of one, before and behind the spans", () => {
    const forged = resource(attribute("a"), attribute(ID));
    assertKept(
      concat(
        entry(forged, scopeSpans(1), forged, scopeSpans(1), resource(), forged),
        entry(scopeSpans(1), forged),
        entry(resource(attribute(ID))),
      ),
      ["a", "a", "a"],
      ["a"],
      [],
    );
  });
});

test("attributes that only look like the host's are kept", () => {
  const keys = [
    "",
    "sandglass.sandbox.ids",
    "sandglass.sandbox.iD",
    "sandglass-sandbox-id",
    " container.id",
    "container",
    "service",
    "idé",
  ];
  assertKept(entry(resource(...keys.map((key) => attribute(key)))), keys);
});

test("a map under a key of its own is kept, whatever it holds", () => {
  const map = value(sized(6, attribute(ID)));
  assertKept(entry(resource(sized(1, sized(1, "app"), map), sized(1, map))), ["app", ""]);
});

test("an entity that is identified or described by what the host owns is removed, others are kept", () => {
  const entity = (...fields: Uint8Array[]) => sized(3, sized(1, ID), sized(2, "service"), ...fields);
  const kept = [
    entity(sized(3, "service.name"), sized(4, "service.version")),
    entity(),
    entity(sized(5, ID)),
  ];
  const removed = [entity(sized(3, "service.name"), sized(3, ID)), entity(sized(4, ID), sized(3, "a"))];
  const result = stampRequest("traces", entry(resource(...kept, ...removed)), TEST_STAMP) as StampedRequest;
  assert.deepEqual(result.bytes, entry(resource(TEST_STAMP.attributes, ...kept)));
  assert.equal(result.removed, 2);
});

test("the same key on a span is the sandbox's own word, and left alone", () => {
  const body = entry(resource(), sized(2, sized(2, sized(9, sized(1, ID), value(text("x"))))));
  const { bytes } = stampRequest("traces", body, TEST_STAMP) as StampedRequest;
  assert.deepEqual(bytes, entry(resource(TEST_STAMP.attributes), body.subarray(4)));
});

/**
 * A decoder that does not hold a message to its length (protobufjs 7.4 is one) goes on behind it, here in the middle of an unknown
 * field, where it finds an entry of the sandbox's own making.
 */
describe("a length that leads out of its message, into a Resource that was hidden in a text, is refused", () => {
  const hidden = entry(resource(attribute(ID)), scopeSpans(1));
  const tooLong = (...path: ((...parts: Uint8Array[]) => Buffer)[]) =>
    path.reduceRight((inner, wrap) => wrap(inner), concat(tagOf(1, LEN), varint(8), "x"));
  const wrap = (field: number) => (inner: Uint8Array) => sized(field, inner);
  const places: [where: string, bytes: Buffer][] = [
    ["in a span's attribute", tooLong(wrap(1), wrap(2), wrap(2), wrap(9), wrap(2))],
    ["in a span", tooLong(wrap(1), wrap(2), wrap(2))],
    ["in the scope", tooLong(wrap(1), wrap(2), wrap(1))],
    ["in the value of an attribute of the Resource", tooLong(wrap(1), wrap(1), wrap(1), wrap(2))],
    ["in an event", tooLong(wrap(1), wrap(2), wrap(2), wrap(11), wrap(3))],
  ];
  for (const [where, bytes] of places) {
    test(where, () => {
      const body = concat(bytes, sized(99, "xxxxx", hidden));
      const result = stampRequest("traces", body, TEST_STAMP);
      assert.ok("error" in result);
      assert.equal(result.error.reason, "a field is longer than what holds it");
      assert.ok(result.error.offset < bytes.length);
    });
  }

  test("with the wrong wire type, which protobufjs does not look at", () => {
    const span = concat(tagOf(5, FIXED64), Buffer.alloc(8, 0x7f));
    const result = stampRequest("traces", entry(sized(2, sized(2, span))), TEST_STAMP);
    assert.deepEqual(result, {
      error: { kind: "malformed", reason: "field 5 cannot have wire type 1", offset: 6 },
    });
  });
});
