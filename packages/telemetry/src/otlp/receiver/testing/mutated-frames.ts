import { gzipSync } from "node:zlib";
import type { Seeded } from "@sandglass/testkit";
import { CLIENT_PREFACE } from "../grpc-preface.ts";
import { callFrames, callHeaders, END_HEADERS, END_STREAM, FRAME, frame, uint32 } from "./grpc-frames.ts";
import { spanBatch } from "./span-batch.ts";

const BATCH = spanBatch(20);
const TYPES = Object.values(FRAME);
const NUMBERS = [0, 1, 2, 3, 5, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 16_384, 65_535];

/**
 * What a peer sends from its first byte on: something that a client would, then changed. Frames are swapped, said twice, left out, and
 * made up; bytes are turned over, cut out and put in, in lengths and header blocks too.
 */
export function mutatedFrames(random: Seeded): Buffer {
  const frames = plausible(random);
  for (let count = random.int(4); count > 0; count--) mutateFrames(frames, random);
  const start = random.int(8) === 0 ? [] : [CLIENT_PREFACE, frame(FRAME.SETTINGS, 0, 0)];
  const bytes = Buffer.concat([...start, ...frames]);
  return random.int(2) === 0 ? bytes : mutateBytes(bytes, random, CLIENT_PREFACE.length);
}

function plausible(random: Seeded): Buffer[] {
  const frames: Buffer[] = [];
  for (let call = 0; call <= random.int(4); call++) {
    const streamId = 2 * call + 1;
    const isGzip = random.int(2) === 0;
    const headers = random.pick([
      {},
      {},
      { "grpc-timeout": random.pick(["1m", "10S", "x"]) },
      { ":method": random.pick(["GET", "HEAD", "CONNECT", "OPTIONS", ""]) },
      { ":path": random.pick(["", "/", "*", "/x/Export"]) },
      { "content-length": random.pick(["0", "5", "-1", "99999999999"]) },
      { expect: "100-continue", ":authority": undefined },
    ]);
    const encoding = isGzip ? { "grpc-encoding": "gzip" } : {};
    frames.push(...callFrames(streamId, isGzip ? gzipSync(BATCH) : BATCH, { ...headers, ...encoding }));
    if (random.int(3) === 0) frames.push(frame(FRAME.RST_STREAM, 0, streamId, uint32(random.int(14))));
    if (random.int(3) === 0) frames.push(frame(FRAME.PING, random.int(2), 0, random.bytes(8)));
    if (random.int(4) === 0)
      frames.push(frame(FRAME.HEADERS, END_HEADERS | END_STREAM, streamId, callHeaders()));
  }
  return frames;
}

function mutateFrames(frames: Buffer[], random: Seeded): void {
  const at = random.int(frames.length + 1);
  switch (random.int(6)) {
    case 0:
      frames.splice(at, 0, madeUp(random));
      return;
    case 1:
      frames.splice(at, 1);
      return;
    case 2:
      if (frames[at] !== undefined) frames.splice(at, 0, frames[at]);
      return;
    case 3: {
      const [taken] = frames.splice(at, 1);
      if (taken !== undefined) frames.splice(random.int(frames.length + 1), 0, taken);
      return;
    }
    case 4:
      if (frames[at] !== undefined) frames[at] = mutateBytes(frames[at], random, 0);
      return;
    case 5: {
      const settings = Buffer.concat([Buffer.from([0, random.int(9)]), uint32(random.pick(NUMBERS))]);
      frames.splice(at, 0, frame(FRAME.SETTINGS, 0, 0, settings));
    }
  }
}

function madeUp(random: Seeded): Buffer {
  const type = random.int(8) === 0 ? random.int(256) : random.pick(TYPES);
  const payload = random.int(2) === 0 ? uint32(random.pick(NUMBERS)) : random.bytes(random.int(40));
  return frame(type, random.int(256), random.pick([0, 1, 1, 2, 3, 5, 0x7fff_ffff]), payload);
}

function mutateBytes(bytes: Buffer, random: Seeded, from: number): Buffer {
  const at = Math.min(bytes.length, from + random.int(Math.max(1, Math.min(bytes.length, 400))));
  const rest = bytes.subarray(at + 1 + random.int(12));
  switch (random.int(4)) {
    case 0: {
      const copy = Buffer.from(bytes);
      for (let count = 1 + random.int(4); count > 0; count--) {
        const index = Math.min(copy.length - 1, at + random.int(60));
        if (index >= 0) copy[index] = copy[index]! ^ (1 << random.int(8));
      }
      return copy;
    }
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), rest]);
    default:
      return Buffer.concat([bytes.subarray(0, at), random.bytes(random.int(20)), rest]);
  }
}
