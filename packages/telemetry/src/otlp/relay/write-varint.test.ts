import assert from "node:assert/strict";
import { test } from "node:test";
import { varint } from "./testing/forge.ts";
import { varintBytes, writeVarint } from "./write-varint.ts";

test("a number is written in as few bytes as it takes, and as many as were foretold", () => {
  for (const power of [0, 7, 14, 21, 28, 31, 32]) {
    for (const value of [2 ** power - 1, 2 ** power].filter((value) => value < 2 ** 32)) {
      const bytes = Buffer.alloc(8);
      const end = writeVarint(value, bytes, 1);
      assert.deepEqual(bytes.subarray(1, end), varint(value));
      assert.equal(varintBytes(value), end - 1);
    }
  }
});
