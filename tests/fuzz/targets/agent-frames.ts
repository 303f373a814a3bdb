import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import {
  encodeChannelFrame,
  encodeFrame,
  Frame,
  FrameParser,
  MAX_FRAME_BYTES,
} from "../../../packages/runtime/src/agent/frames.ts";
import { seeded } from "../../../packages/testkit/src/seeded.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

const GREETING = encodeFrame(Frame.hello, 0, Buffer.from([2, 0, 0, 0]));
const OUTPUT = encodeChannelFrame(Frame.output, 7, 1, Buffer.from("hello"));
const EXIT = encodeFrame(Frame.exited, 7, Buffer.alloc(32));

interface Parsed {
  /** Output that nothing else came between is one. */
  frames: string[];
  isBroken: boolean;
}

function parse(pieces: readonly Buffer[]): Parsed {
  const seen: { key: string; hex: string }[] = [];
  let violations = 0;
  const parser = new FrameParser({
    onFrame: (type, id, payload) => {
      assert.equal(violations, 0, "a frame behind a violation");
      seen.push({ key: `${type}/${id}`, hex: payload.toString("hex") });
    },
    onOutput: (id, channel, bytes) => {
      assert.equal(violations, 0, "output behind a violation");
      assert.ok(bytes.length > 0, "a piece of output that is none");
      const key = `output ${channel}/${id}`;
      const last = seen.at(-1);
      if (last?.key === key) last.hex += bytes.toString("hex");
      else seen.push({ key, hex: bytes.toString("hex") });
    },
    onViolation: () => violations++,
  });
  for (const piece of pieces) parser.push(piece);
  assert.ok(violations <= 1, `${violations} violations`);
  return { frames: seen.map(({ key, hex }) => `${key}:${hex}`), isBroken: violations > 0 };
}

/** The same, written down once more from the table in `native/agent.h`, over all bytes at once. */
function expected(data: Buffer): Parsed {
  const seen: { key: string; hex: string }[] = [];
  for (let at = 0; data.length - at >= 9; ) {
    const [length, type, id] = [data.readUInt32LE(at), data[at + 4] as number, data.readUInt32LE(at + 5)];
    const isOutput = type === 68 && length > 5;
    const isSound = length >= 5 && length <= (isOutput ? MAX_FRAME_BYTES : 37) && type >= 64 && type <= 71;
    if (!isSound) return { frames: seen.map(({ key, hex }) => `${key}:${hex}`), isBroken: true };
    if (isOutput) {
      const bytes = data.subarray(at + 10, at + 4 + length);
      const key = `output ${data[at + 9]}/${id}`;
      const last = seen.at(-1);
      if (bytes.length > 0 && last?.key === key) last.hex += bytes.toString("hex");
      else if (bytes.length > 0) seen.push({ key, hex: bytes.toString("hex") });
    } else if (data.length - at >= 4 + length)
      seen.push({ key: `${type}/${id}`, hex: data.subarray(at + 9, at + 4 + length).toString("hex") });
    else break;
    at += 4 + length;
  }
  return { frames: seen.map(({ key, hex }) => `${key}:${hex}`), isBroken: false };
}

/** Frames of a sandbox's agent, cut out of its socket's bytes. */
export const agentFrames: FuzzTarget = {
  name: "agent-frames",
  watched: ["/runtime/src/agent/frames.ts"],
  words: [
    GREETING,
    OUTPUT,
    EXIT,
    ...[65, 66, 67, 70, 71].map((type) => encodeFrame(type, 7, Buffer.alloc(4))),
    encodeChannelFrame(Frame.output, 7, 2),
    encodeFrame(Frame.output, 7),
  ],
  seeds: [Buffer.concat([GREETING, OUTPUT, EXIT])],
  check(input) {
    const whole = parse([input]);
    assert.deepEqual(whole, expected(input));
    assert.deepEqual(parse(pieces(input, 1)), whole, "byte by byte");
    assert.deepEqual(parse(pieces(input, 40)), whole, "in pieces");
    const kinds = new Set(whole.frames.map((frame) => frame.slice(0, frame.startsWith("o") ? 6 : 2)));
    return `${kinds.size} ${kinds.has("output")} ${whole.isBroken}`;
  },
};

/** Of random sizes, the same for the same bytes. */
export function pieces(input: Buffer, largest: number): Buffer[] {
  const { int } = seeded(crc32(input));
  const cut: Buffer[] = [];
  for (let at = 0; at < input.length; ) {
    const size = 1 + int(largest);
    cut.push(input.subarray(at, at + size));
    at += size;
  }
  return cut;
}
