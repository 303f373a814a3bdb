import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { DurableLog } from "../../../packages/telemetry/src/log/durable-log.ts";
import {
  FRAME_HEADER_BYTES,
  FRAME_MARKER,
  MAX_PAYLOAD_BYTES,
  sealFrame,
  sealTombstone,
} from "../../../packages/telemetry/src/log/frame.ts";
import type { LogItem } from "../../../packages/telemetry/src/log/log-reader.ts";
import { encodeSegmentHeader, segmentPath } from "../../../packages/telemetry/src/log/segment.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

const DIRECTORY = mkdtempSync(join(tmpdir(), "sg-fuzz-log-"));
/** Positions further apart would have a reader tell of a gap of that many records, which is one item all the same. */
const MAX_POSITION = Number.MAX_SAFE_INTEGER;

function frame(text: string, position: number): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(FRAME_HEADER_BYTES), Buffer.from(text)]);
  sealFrame(bytes, 0, text.length, position);
  return bytes;
}

function tombstone(length: number, position: number): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + length);
  sealTombstone(bytes, 0, length, position, Buffer.from("{}"));
  return bytes;
}

/** Records as a careful reader finds them: every byte is looked at, and what is no whole frame is passed over. */
function wholeFrames(bytes: Buffer): { position: number; text: string; isTombstone: boolean }[] {
  const found: { position: number; text: string; isTombstone: boolean }[] = [];
  for (let at = 0; at + FRAME_HEADER_BYTES <= bytes.length; ) {
    const stated = bytes.readUInt32LE(at + 4);
    const isTombstone = stated >= 0x8000_0000;
    const end = at + FRAME_HEADER_BYTES + (stated % 0x8000_0000);
    const isWhole =
      bytes.subarray(at, at + 4).equals(FRAME_MARKER) &&
      stated % 0x8000_0000 <= MAX_PAYLOAD_BYTES &&
      end <= bytes.length &&
      crc32(bytes.subarray(at + 12, end), isTombstone ? 0xffff_ffff : 0) === bytes.readUInt32LE(at + 8);
    if (!isWhole) {
      at++;
      continue;
    }
    const position = Number(bytes.readBigUInt64LE(at + 12));
    found.push({ position, text: bytes.toString("latin1", at + FRAME_HEADER_BYTES, end), isTombstone });
    at = end;
  }
  return found;
}

/** The last segment of a log, from its header on, as a crash, a disk or somebody left it. */
export const logFrames: FuzzTarget = {
  name: "log-frames",
  watched: ["/log/frame.ts", "/log/recovery.ts", "/log/log-reader.ts", "/log/segment.ts"],
  words: [
    FRAME_MARKER,
    ...[1, 2, 3, 4, 9].map((position) => frame(`record ${position}`, position)),
    ...[frame("", 5), tombstone(20, 2), tombstone(4, 3), frame("far", 2 ** 32 + 7)],
    Buffer.from([0xf5, 0x53, 0x47]),
  ],
  seeds: [Buffer.concat([frame("one", 1), frame("two", 2), frame("three", 3)])],
  mend: withSums,
  async check(input) {
    mkdirSync(DIRECTORY, { recursive: true });
    writeFileSync(segmentPath(DIRECTORY, 1), Buffer.concat([encodeSegmentHeader(1, 1), input]));
    const problems: string[] = [];
    const log = await DurableLog.open({ dir: DIRECTORY, onProblem: ({ kind }) => problems.push(kind) });
    try {
      const frames = wholeFrames(input);
      if (frames.some(({ position }) => position > MAX_POSITION)) return "beyond";
      // A record again, or an earlier one, is not given out: each position is read once, in order.
      let last = 0;
      const wanted = frames.filter(({ position }) => {
        const isNext = position > last;
        if (isNext) last = position;
        return isNext;
      });
      const items: LogItem[] = [];
      for await (const item of log.read()) items.push(item);
      checkItems(items, wanted);
      const next = await log.append("behind it all");
      assert.ok(next > last, "a position is given twice");
      for await (const item of log.read({ from: next }))
        assert.ok("position" in item && item.position === next);
      return `${[...new Set(problems)].sort().join()} ${Math.min(items.length, 6)} ${kindsOf(items)}`;
    } finally {
      await log.close();
      rmSync(DIRECTORY, { recursive: true });
    }
  },
  async close() {
    rmSync(DIRECTORY, { recursive: true, force: true });
  },
};

function kindsOf(items: readonly LogItem[]): string {
  return [...new Set(items.map((item) => ("gap" in item ? item.gap.reason : "record")))].sort().join();
}

/** Every whole record is there once, in order, and between them is told what is not. */
function checkItems(items: readonly LogItem[], wanted: ReturnType<typeof wholeFrames>): void {
  let next = 1;
  const positions: number[] = [];
  for (const item of items) {
    const from = "gap" in item ? item.gap.from : item.position;
    assert.equal(from, next, "a hole that nobody tells of");
    next = ("gap" in item ? item.gap.to : item.position) + 1;
    if (!("gap" in item)) positions.push(item.position);
  }
  const records = wanted.filter(({ isTombstone }) => !isTombstone);
  assert.deepEqual(
    positions,
    records.map(({ position }) => position),
  );
}

/** Gives every frame whose length fits the sum that belongs to it. */
function withSums(input: Buffer): Buffer {
  const bytes = Buffer.from(input);
  for (let at = bytes.indexOf(FRAME_MARKER); at !== -1; at = bytes.indexOf(FRAME_MARKER, at + 1)) {
    if (at + FRAME_HEADER_BYTES > bytes.length) break;
    const stated = bytes.readUInt32LE(at + 4);
    const end = at + FRAME_HEADER_BYTES + (stated % 0x8000_0000);
    if (end > bytes.length) continue;
    const seed = stated >= 0x8000_0000 ? 0xffff_ffff : 0;
    bytes.writeUInt32LE(crc32(bytes.subarray(at + 12, end), seed), at + 8);
  }
  return bytes;
}
