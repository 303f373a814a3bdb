import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { FRAME_HEADER_BYTES, FRAME_MARKER, FrameScanner, findMarker, sealFrame } from "./frame.ts";
import { seededRandom } from "./testing/test-log.ts";

function frameOf(payload: Buffer, position: number): Buffer {
  const frame = Buffer.concat([Buffer.alloc(FRAME_HEADER_BYTES), payload]);
  sealFrame(frame, 0, payload.length, position);
  return frame;
}

test("a frame gives back its payload and position, beyond 32 bits too", () => {
  for (const position of [1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    for (const size of [0, 1, 500, 70_000]) {
      const payload = randomBytes(size);
      const frame = frameOf(payload, position);
      const scanner = new FrameScanner();
      assert.equal(scanner.scan(frame, 0, frame.length), "record");
      assert.equal(scanner.position, position);
      assert.deepEqual(frame.subarray(scanner.payloadStart, scanner.payloadEnd), payload);
    }
  }
});

test("a frame cut anywhere is short, and says how much is missing once its header is whole", () => {
  const frame = frameOf(Buffer.from("hello"), 7);
  const scanner = new FrameScanner();
  for (let length = 0; length < frame.length; length++) {
    assert.equal(scanner.scan(frame, 0, length), "short", `cut at ${length}`);
    assert.equal(scanner.neededBytes, length < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES : frame.length);
  }
});

test("a frame with any one bit flipped is no record", () => {
  const frame = frameOf(Buffer.from(JSON.stringify({ type: "exec.completed" })), 12);
  const scanner = new FrameScanner();
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const damaged = Buffer.from(frame);
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    assert.notEqual(scanner.scan(damaged, 0, damaged.length), "record", `bit ${bit}`);
  }
});

test("arbitrary bytes are never a record and never crash the scanner", () => {
  const random = seededRandom(1);
  const scanner = new FrameScanner();
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.concat([round % 2 ? FRAME_MARKER : Buffer.alloc(0), randomBytes(random(100))]);
    assert.notEqual(scanner.scan(bytes, 0, bytes.length), "record");
  }
});

test("the marker cannot be spelled in UTF-8", () => {
  assert.throws(() => new TextDecoder("utf-8", { fatal: true }).decode(FRAME_MARKER.subarray(0, 1)));
  const text = Buffer.from("\u{f5}SGú \u{10ffff} õSG");
  assert.equal(findMarker(text, 0, text.length), -1);
});
