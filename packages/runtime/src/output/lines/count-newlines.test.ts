import assert from "node:assert/strict";
import { test } from "node:test";
import { seeded } from "@sandglass/testkit";
import { countNewlines } from "./count-newlines.ts";

test("newlines are counted at every alignment, whatever the other bytes are", () => {
  const near = [0x00, 0x09, 0x0a, 0x0a, 0x0b, 0x0d, 0x7f, 0x80, 0x8a, 0xff];
  for (let seed = 0; seed < 2000; seed++) {
    const random = seeded(seed);
    const bytes = Buffer.from(
      Array.from({ length: random.int(40) }, () => near[random.int(near.length)] as number),
    );
    const from = random.int(bytes.length + 1);
    const counted = [...bytes.subarray(from)].filter((byte) => byte === 10).length;
    assert.equal(countNewlines(bytes, from), counted, `${bytes.toString("hex")} from ${from}`);
  }
});

test("a megabyte of nothing else is counted in full", () => {
  assert.equal(countNewlines(Buffer.alloc(1_000_003, "\n"), 1), 1_000_002);
});
