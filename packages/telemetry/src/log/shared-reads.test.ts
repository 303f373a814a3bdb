import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CHUNK_BYTES } from "./chunk-memory.ts";
import { Segment } from "./segment.ts";
import { SharedReads } from "./shared-reads.ts";
import { onEnd, temporaryDirectory } from "./testing/test-log.ts";

test("readers that ask for the same at the same time share its bytes, later ones and others get their own", async (t) => {
  const path = join(temporaryDirectory(t), "segment");
  writeFileSync(path, "abcdef");
  const file = await open(path, "r");
  onEnd(t, () => file.close());
  const segment = new Segment(path, 1, 0, 6);
  const reads = new SharedReads();
  const [first, second, behind] = await Promise.all([
    reads.read(file, segment, 0, 4),
    reads.read(file, segment, 0, 4),
    reads.read(file, segment, 4, 4),
  ]);
  assert.equal(first.bytes, second.bytes);
  assert.equal(first.bytes.toString(), "abcd");
  assert.equal(behind.bytes.toString(), "ef");
  writeFileSync(path, "ABCDEF");
  const later = await reads.read(file, segment, 0, 4);
  assert.equal(later.bytes.toString(), "ABCD");
  segment.rewrites += 1;
  await assert.rejects(async () => {
    const closed = await open(path, "r");
    await closed.close();
    await reads.read(closed, segment, 0, 4);
  });
  assert.equal((await reads.read(file, segment, 0, 4)).bytes.toString(), "ABCD");
});

test("memory is read into again when all who held it have let go of it, and not before", async (t) => {
  const path = join(temporaryDirectory(t), "segment");
  writeFileSync(path, Buffer.concat(["a", "b", "c"].map((letter) => Buffer.alloc(CHUNK_BYTES, letter))));
  const file = await open(path, "r");
  onEnd(t, () => file.close());
  const segment = new Segment(path, 1, 0, 3 * CHUNK_BYTES);
  const reads = new SharedReads();
  const read = (index: number) => reads.read(file, segment, index * CHUNK_BYTES, CHUNK_BYTES);
  const [first, second] = await Promise.all([read(0), read(0)]);
  first.hold();
  first.release();
  second.release();
  const behind = await read(1);
  assert.notEqual(behind.bytes.buffer, first.bytes.buffer);
  assert.ok(first.bytes.equals(Buffer.alloc(CHUNK_BYTES, "a")));
  first.release();
  const last = await read(2);
  assert.equal(last.bytes.buffer, first.bytes.buffer);
  assert.ok(last.bytes.equals(Buffer.alloc(CHUNK_BYTES, "c")));
  assert.ok(behind.bytes.equals(Buffer.alloc(CHUNK_BYTES, "b")));
});

test("what is small has memory of its own, however often it is read", async (t) => {
  const path = join(temporaryDirectory(t), "segment");
  writeFileSync(path, "abcdef");
  const file = await open(path, "r");
  onEnd(t, () => file.close());
  const segment = new Segment(path, 1, 0, 6);
  const reads = new SharedReads();
  const first = await reads.read(file, segment, 0, 6);
  first.release();
  assert.equal((await reads.read(file, segment, 0, 6)).bytes.byteLength, 6);
  assert.equal(first.bytes.buffer.byteLength, 6);
});
