import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { storableJson } from "./storable-json.ts";

const storable = (value: unknown): unknown =>
  JSON.parse(storableJson(Buffer.from(JSON.stringify(value))).toString("utf8"));

test("a NUL and each half of a surrogate pair become U+FFFD, in keys as in values", () => {
  assert.deepEqual(storable({ "a\0b": ["\0", "x\ud83d", "\ude00\ude00"] }), {
    "a\ufffdb": ["\ufffd", "x\ufffd", "\ufffd\ufffd"],
  });
});

test("a backslash that is text begins no escape", () => {
  const value = { path: "C:\\u0000", both: "\\\0", three: "\\\\\\u0000", d: "\\ud83d" };
  assert.deepEqual(storable(value), { ...value, both: "\\\ufffd" });
});

test("a pair of surrogates that someone escaped stays", () => {
  const json = Buffer.from('{"smile":"\\ud83d\\uDE00\\u0000"}');
  assert.deepEqual(JSON.parse(storableJson(json).toString("utf8")), { smile: "😀\ufffd" });
});

test("JSON that needs nothing is the same bytes, other escapes included", () => {
  const json = Buffer.from(JSON.stringify({ tail: "\u001b[31mred", smile: "😀", quote: '"\\' }));
  assert.equal(storableJson(json), json);
});

test("any text is kept but for what cannot be stored", () => {
  const unit = fc.constantFrom("\\", "u", "0", "0000", "\0", "\ud83d", "\ude00", "d83d", '"', "ä", "\n");
  fc.assert(
    fc.property(fc.array(unit), (units) => {
      const text = units.join("");
      assert.equal(storable(text), text.toWellFormed().replaceAll("\0", "\ufffd"));
    }),
    { numRuns: 2000 },
  );
});
