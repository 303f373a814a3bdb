import assert from "node:assert/strict";
import { test } from "node:test";
import { OwnBytes } from "./own-bytes.ts";

test("copies are of what was given, whatever its length, and do not change with it", () => {
  const own = new OwnBytes();
  const lengths = [0, 1, 255, 256, 257, 4095, 3, 40_000, 1];
  const given = lengths.map((length, at) => Buffer.alloc(length, at + 1));
  const copies = given.map((bytes) => own.copy(bytes));
  for (const bytes of given) bytes.fill(0);
  for (const [at, length] of lengths.entries()) assert.deepEqual(copies[at], Buffer.alloc(length, at + 1));
});

test("what is kept of many that copy little is not much more than that, whatever is allocated in between", () => {
  const kept = Array.from({ length: 100 }, () => {
    const copy = new OwnBytes().copy(Buffer.from("a line\n"));
    Buffer.from("of somebody else".repeat(1000));
    return copy;
  });
  const blocks = new Set(kept.map(({ buffer }) => buffer));
  const bytes = [...blocks].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(bytes <= 100 * 1024, `${bytes} bytes`);
});
