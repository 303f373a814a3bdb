import assert from "node:assert/strict";
import { test } from "node:test";
import { seeded } from "@sandglass/testkit";
import { LineReader, MAX_LINE_BYTES } from "./line-reader.ts";

interface Told {
  lines: (string | [text: string, cutFromBytes: number])[];
  leftOut: { lines: number; bytes: number };
}

/** @param room how many lines are taken before the `offers`-th piece, by its index; default: all */
function read(pieces: readonly (Buffer | string)[], room: (piece: number) => number = () => Infinity): Told {
  const told: Told = { lines: [], leftOut: { lines: 0, bytes: 0 } };
  let left = 0;
  const reader = new LineReader({
    hasRoom: () => left > 0,
    line: (text, cutFromBytes) => {
      left--;
      told.lines.push(cutFromBytes === undefined ? text : [text, cutFromBytes]);
    },
    leftOut: (lines, bytes) => {
      told.leftOut.lines += lines;
      told.leftOut.bytes += bytes;
    },
  });
  for (const [index, piece] of pieces.entries()) {
    left = room(index);
    reader.push(Buffer.from(piece as string));
  }
  left = room(pieces.length);
  reader.finish();
  return told;
}

const NOTHING = { lines: 0, bytes: 0 };

test("lines end with \\n or \\r\\n, are told with the empty ones, and the last needs no end", () => {
  assert.deepEqual(read(["one\ntwo\r\n\n\r\nprogress\r\rlast"]).lines, [
    "one",
    "two",
    "",
    "",
    "progress\r\rlast",
  ]);
  assert.deepEqual(read(["whole\n"]).lines, ["whole"]);
  assert.deepEqual(read(["\r"]).lines, [""]);
  assert.deepEqual(read([]).lines, []);
});

test("what is cut anywhere, also in a character or between \\r and \\n, reads as if it had come at once", () => {
  const text = Buffer.from("é\r\n€😀\n\nlast\r\n世");
  const whole = ["é", "€😀", "", "last", "世"];
  for (let first = 0; first <= text.length; first++) {
    for (let second = first; second <= text.length; second++) {
      const pieces = [text.subarray(0, first), text.subarray(first, second), text.subarray(second)];
      assert.deepEqual(read(pieces), { lines: whole, leftOut: NOTHING }, `cut at ${first} and ${second}`);
    }
  }
  assert.deepEqual(read([...text].map((byte) => Buffer.of(byte))).lines, whole);
});

test("what is no UTF-8 is replaced, and NUL and escape sequences stay as they are", () => {
  assert.deepEqual(
    read([Buffer.from([0x61, 0xff, 0xe2, 0x82, 0x0a]), "\u0000\u001b[31mred\u001b[0m\t\u0007\n"]).lines,
    ["a\ufffd\ufffd", "\u0000\u001b[31mred\u001b[0m\t\u0007"],
  );
});

test("a line of 8 KiB is whole, and of a longer one the beginning is told with its size", () => {
  const fits = "x".repeat(MAX_LINE_BYTES);
  for (const pieces of [[`${fits}\r\n${fits}y\r\n`], [fits, "\r", "\n", fits, "y", "\r\n"]])
    assert.deepEqual(read(pieces).lines, [fits, [fits, MAX_LINE_BYTES + 1]]);
  assert.deepEqual(read([fits.repeat(100), fits, "\nnext"]).lines, [[fits, 101 * MAX_LINE_BYTES], "next"]);
});

test("a line that is too long is not cut inside a character", () => {
  const euros = "€".repeat(3000);
  const [line] = read([`${euros}\n`]).lines;
  assert.deepEqual(line, ["€".repeat(Math.floor(MAX_LINE_BYTES / 3)), 9000]);
});

test("what there is no room for is counted, and a line of which a part was left out is left out", () => {
  const none = (): number => 0;
  assert.deepEqual(read(["a\nb\nc"], none), { lines: [], leftOut: { lines: 3, bytes: 5 } });
  // The second piece comes when there is no room, in the middle of lines on both sides.
  const told = read(["one\nbegun ", "ended\ntwo\nbegun", " ended\nthree\nlast"], (piece) =>
    piece === 1 ? 0 : 10,
  );
  assert.deepEqual(told, { lines: ["one", "three", "last"], leftOut: { lines: 3, bytes: 28 } });
  const atEnd = read(["one\nlast"], (piece) => (piece === 0 ? 10 : 0));
  assert.deepEqual(atEnd, { lines: ["one"], leftOut: { lines: 1, bytes: 4 } });
  assert.deepEqual(
    read(["one\ntwo\nthree\n"], () => 1),
    { lines: ["one"], leftOut: { lines: 2, bytes: 10 } },
  );
});

test("whatever comes in whatever pieces: each line and each byte is told or counted once", () => {
  for (let seed = 0; seed < 500; seed++) {
    const random = seeded(seed);
    const count = 1 + random.int(30);
    const text = Array.from({ length: count }, () =>
      "x".repeat(random.int(random.int(4) === 0 ? 20_000 : 12)),
    );
    const all = Buffer.from(text.join("\n"));
    const pieces: Buffer[] = [];
    for (let at = 0; at < all.length; ) {
      const size = 1 + random.int(random.int(2) === 0 ? 8 : 9_000);
      // Of a larger buffer, as those of a socket are: at any alignment.
      pieces.push(Buffer.concat([Buffer.alloc(at % 7), all.subarray(at, at + size)]).subarray(at % 7));
      at += size;
    }
    const { lines, leftOut } = read(pieces, () => random.int(4));
    const sizes = lines.map((line) => (typeof line === "string" ? line.length : line[1]));
    const isEnded = text.at(-1) === "";
    assert.equal(lines.length + leftOut.lines, isEnded ? count - 1 : count, `seed ${seed}`);
    // Of the lines that were told, their ends are not: the last has one where another line is behind it.
    const bytes = sizes.reduce((sum, size) => sum + size + 1, 0) + leftOut.bytes;
    assert.ok(bytes === all.length || bytes === all.length + 1, `seed ${seed}: ${bytes} of ${all.length}`);
  }
});
