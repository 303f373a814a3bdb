import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isDeeperThan } from "./json-depth.ts";

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test("what is deeper than the limit is known to be, whatever its texts hold", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.nat(10), fc.boolean(), (value, limit, isSpaced) => {
      const text = JSON.stringify(value, undefined, isSpaced ? 2 : 0);
      assert.equal(isDeeperThan(text, limit), depthOf(value) > limit && text.length > limit);
    }),
  );
});

test("brackets and quotes within texts count for nothing", () => {
  assert.equal(isDeeperThan(JSON.stringify({ a: '[[[[{{{{\\"[[' }), 1), false);
  assert.equal(isDeeperThan(JSON.stringify(["\\", ['"', []]]), 2), true);
});

test("a text that is no JSON does not throw", () => {
  for (const text of ["]]]]]]", '"', '"\\', "[".repeat(1000), '\\\\\\"[[[['])
    assert.equal(typeof isDeeperThan(text, 3), "boolean");
});
