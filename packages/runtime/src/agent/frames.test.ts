import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Seeded, seeded } from "@sandglass/testkit";
import {
  encodeChannelFrame,
  encodeFrame,
  encodeStart,
  Frame,
  FrameParser,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
} from "./frames.ts";

interface Parsed {
  frames: string[];
  violations: string[];
}

/** Parses pieces; output that came in several pieces counts as one where nothing else came in between. */
function parse(pieces: readonly Buffer[]): Parsed {
  const seen: { key: string; bytes: string }[] = [];
  const violations: string[] = [];
  const parser = new FrameParser({
    onFrame: (type, id, payload) => seen.push({ key: `${type}/${id}`, bytes: payload.toString("hex") }),
    onOutput: (id, channel, bytes) => {
      assert.ok(bytes.length > 0, "an empty piece of output");
      const key = `output ${channel}/${id}`;
      const last = seen.at(-1);
      if (last?.key === key) last.bytes += bytes.toString("hex");
      else seen.push({ key, bytes: bytes.toString("hex") });
    },
    onViolation: (message) => violations.push(message),
  });
  for (const piece of pieces) parser.push(piece);
  return { frames: seen.map(({ key, bytes }) => `${key}:${bytes}`), violations };
}

function randomFrame({ int, bytes, pick }: Seeded): Buffer {
  if (int(2) === 0) return encodeChannelFrame(Frame.output, int(5), pick([1, 2, 4]), bytes(int(40)));
  const type = pick([Frame.hello, Frame.forked, Frame.started, Frame.failed, Frame.exited, Frame.taken]);
  return encodeFrame(type, int(0xffffffff), bytes(int(33)));
}

function cut(data: Buffer, { int }: Seeded, largest: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    const size = 1 + int(largest);
    pieces.push(data.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

const OUTPUT = encodeChannelFrame(Frame.output, 7, 1, Buffer.from("hello"));

describe("frames from the agent", () => {
  const all = Buffer.concat([
    encodeFrame(Frame.hello, 0, Buffer.from([1, 0, 0, 0])),
    encodeFrame(Frame.started, 7),
    OUTPUT,
    encodeChannelFrame(Frame.output, 7, 2, Buffer.from("x")),
    encodeChannelFrame(Frame.output, 0xffffffff, 4, Buffer.alloc(30, 0xff)),
    encodeFrame(Frame.exited, 7, Buffer.alloc(32)),
    encodeFrame(Frame.started, 8),
  ]);
  const whole = parse([all]);

  test("a whole stream is cut into its frames", () => {
    assert.deepEqual(whole.violations, []);
    assert.deepEqual(
      whole.frames.map((frame) => frame.split(":")[0]),
      ["64/0", "66/7", "output 1/7", "output 2/7", "output 4/4294967295", "69/7", "66/8"],
    );
  });

  test("cut in two at any place, and in single bytes, it is the same", () => {
    for (let at = 0; at <= all.length; at++)
      assert.deepEqual(parse([all.subarray(0, at), all.subarray(at)]), whole, `cut at ${at}`);
    assert.deepEqual(parse([...all].map((byte) => Buffer.of(byte))), whole);
  });

  test("random frames in random pieces are the frames that were sent", () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = seeded(seed);
      const frames = Array.from({ length: 1 + random.int(20) }, () => randomFrame(random));
      const data = Buffer.concat(frames);
      const expected = parse([data]);
      assert.deepEqual(expected.violations, [], `seed ${seed}`);
      assert.deepEqual(parse(cut(data, random, 1 + random.int(60))), expected, `seed ${seed}`);
    }
  });

  test("output is passed on as it comes, before its frame is complete", () => {
    const pieces: number[] = [];
    const parser = new FrameParser({
      onFrame: () => assert.fail("no whole frame was sent"),
      onOutput: (_id, _channel, bytes) => pieces.push(bytes.length),
      onViolation: assert.fail,
    });
    const frame = encodeChannelFrame(Frame.output, 1, 1, Buffer.alloc(1000));
    parser.push(frame.subarray(0, 110));
    parser.push(frame.subarray(110, 500));
    assert.deepEqual(pieces, [100, 390]);
  });

  const header = (length: number, type: number): Buffer => {
    const bytes = Buffer.alloc(HEADER_BYTES + 1);
    bytes.writeUInt32LE(length, 0);
    bytes[4] = type;
    return bytes;
  };
  const hostile: [why: string, bytes: Buffer][] = [
    ["a length of 0", header(0, Frame.hello)],
    ["a length below the header's", header(4, Frame.hello)],
    ["output above the largest frame", header(MAX_FRAME_BYTES + 1, Frame.output)],
    ["a message longer than any", header(HEADER_BYTES - 4 + 33, Frame.exited)],
    ["output of 4 GiB", header(0xffffffff, Frame.output)],
    ["a type that only the host sends", header(5, Frame.fork)],
    ["a type of 0", header(5, 0)],
    ["a type of a later version", header(5, 72)],
    ["a type of 255", header(5, 255)],
  ];
  for (const [why, bytes] of hostile) {
    test(`${why} is a violation, and nothing behind it is parsed`, () => {
      const parsed = parse([all, bytes, all, all]);
      assert.deepEqual(parsed.frames, whole.frames);
      assert.equal(parsed.violations.length, 1);
      assert.deepEqual(parse([...Buffer.concat([all, bytes, all])].map((byte) => Buffer.of(byte))), parsed);
    });
  }

  test("output in front of a violation is passed on, also where both come together", () => {
    const bytes = Buffer.concat([OUTPUT, header(0, Frame.hello)]);
    const parsed = parse([bytes]);
    assert.deepEqual(parsed.frames, parse([OUTPUT]).frames);
    assert.equal(parsed.frames.length, 1);
    assert.deepEqual(parse([...bytes].map((byte) => Buffer.of(byte))), parsed);
  });

  test("noise is never a crash, and at most one violation", () => {
    let violated = 0;
    for (let seed = 0; seed < 2000; seed++) {
      const random = seeded(seed);
      const noise = random.int(2) === 0 ? random.bytes(200) : Buffer.concat([all, random.bytes(100)]);
      const flipped = Buffer.from(noise);
      flipped[random.int(flipped.length)] = random.int(256);
      const { violations } = parse(cut(flipped, random, 30));
      assert.ok(violations.length <= 1);
      violated += violations.length;
    }
    assert.ok(violated > 1000, `only ${violated} were noticed`);
  });
});

describe("frames to the agent", () => {
  test("arguments and environment that do not fit one frame are refused by their size", () => {
    const spec = { argv: ["cat"], cwd: "/", flags: 0, maxOpenFiles: 10 };
    assert.throws(
      () => encodeStart(1, { ...spec, env: { BIG: "x".repeat(MAX_FRAME_BYTES) } }),
      (error) => error instanceof RangeError && /1048\d{3} bytes/.test(error.message),
    );
    assert.ok(encodeStart(1, { ...spec, env: { BIG: "x".repeat(MAX_FRAME_BYTES - 200) } }).length > 0);
  });
});
