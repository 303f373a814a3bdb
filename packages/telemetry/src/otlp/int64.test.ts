import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { halvesOf, int64Text, parseInt64, uint64Text } from "./int64.ts";

test("decimal text of any 64-bit integer splits into its exact halves and comes back", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      const { high, low } = halvesOf(String(value));
      assert.equal((BigInt(high) << 32n) | BigInt(low), value);
      assert.equal(uint64Text(high, low), String(value));
    }),
  );
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const { high, low } = halvesOf(String(value));
      assert.equal(int64Text(high, low), String(value));
    }),
  );
});

test("safe integers split as their text does, negative ones in two's complement", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => assert.deepEqual(halvesOf(value), halvesOf(String(value)))),
  );
});

test("nanoseconds keep the digit that a number would round", () => {
  const nanos = "1776510028036123457";
  assert.notEqual(String(Number(nanos)), nanos);
  const { high, low } = halvesOf(nanos);
  assert.equal(uint64Text(high, low), nanos);
});

test("what JSON may hold for a 64-bit integer is read, and nothing that does not fit", () => {
  assert.equal(parseInt64("0007", false), "7");
  assert.equal(parseInt64(7, false), "7");
  assert.equal(parseInt64("-9223372036854775808", true), "-9223372036854775808");
  assert.equal(parseInt64("18446744073709551615", false), "18446744073709551615");
  for (const bad of [
    "18446744073709551616",
    "-1",
    "",
    " 1",
    "1e3",
    "0x10",
    1.5,
    Number.NaN,
    true,
    null,
    {},
  ]) {
    assert.equal(parseInt64(bad, false), undefined, String(bad));
  }
  assert.equal(parseInt64("9223372036854775808", true), undefined);
});
