import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { newExecId, type StreamEvent } from "@sandglass/protocol";
import { collectGarbage, outputOf, parseLines, readLines, seeded } from "@sandglass/testkit";
import { ExecOutput } from "./exec-output.ts";
import { SegmentWriter } from "./segment-writer.ts";

const EXIT = { type: "exit", data: 0, code: 0, cause: "exited", durationMs: 1 } as const;
interface Recorded {
  output: ExecOutput;
  /** Bytes that the process may write more. */
  room(): number;
  limits: number;
  end(): void;
}

function record(segment: SegmentWriter | undefined, maxBytes = Number.POSITIVE_INFINITY): Recorded {
  const execId = newExecId();
  let room = 0;
  const recorded: Recorded = {
    output: new ExecOutput({
      execId,
      segment,
      maxBytes,
      onLimit: () => recorded.limits++,
      onRoom: (bytes) => {
        room += bytes;
      },
      onKept: () => {},
    }),
    room: () => room,
    limits: 0,
    end: () => {
      recorded.output.close();
      recorded.output.appendExit({ ...EXIT, execId });
      return recorded.output.showExit();
    },
  };
  return recorded;
}

describe("the stream of an exec", () => {
  let dir: string;
  let segment: SegmentWriter;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "sg-out-"));
    segment = new SegmentWriter(join(dir, "all.out"));
  });
  after(async () => {
    segment.close();
    await rm(dir, { recursive: true });
  });

  async function linesOf(pieces: readonly Buffer[]): Promise<StreamEvent[]> {
    const { output, end } = record(segment);
    for (const piece of pieces) output.append("stdout", piece);
    end();
    return readLines(output.lines());
  }

  function assertGapless(lines: readonly StreamEvent[], from = 0): void {
    assert.deepEqual(
      lines.map((line) => line.seq),
      lines.map((_, at) => from + at),
    );
  }

  test("text that is cut anywhere, also inside a character, arrives whole and as text", async () => {
    const text = Buffer.from("aé€😀\u0000z\u{10ffff}");
    for (let first = 0; first <= text.length; first++) {
      for (let second = first; second <= text.length; second++) {
        const pieces = [text.subarray(0, first), text.subarray(first, second), text.subarray(second)];
        const lines = await linesOf(pieces);
        assert.deepEqual(outputOf(lines, "stdout"), text, `cut at ${first} and ${second}`);
        assert.ok(
          lines.every((line) => !("encoding" in line)),
          `cut at ${first} and ${second}`,
        );
        assertGapless(lines);
      }
    }
  });

  test("any bytes in any pieces arrive as they were", async () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = seeded(seed);
      const pieces = Array.from({ length: random.int(12) }, () =>
        random.int(2) === 0
          ? random.bytes(random.int(9))
          : Buffer.from("é€😀".slice(random.int(3))).subarray(random.int(4)),
      );
      const lines = await linesOf(pieces);
      assert.deepEqual(outputOf(lines, "stdout"), Buffer.concat(pieces), `seed ${seed}`);
      assertGapless(lines);
    }
  });

  test("a beginning of a character that never comes to its end is sent at the end", async () => {
    const lines = await linesOf([Buffer.from([0x61, 0xe2, 0x82])]);
    assert.deepEqual(
      lines.map((line) => [line.type, line.data]),
      [
        ["stdout", "a"],
        ["stdout", Buffer.from([0xe2, 0x82]).toString("base64")],
        ["exit", 0],
      ],
    );
  });

  test("the two streams do not wait for each other's characters", async () => {
    const { output, end } = record(segment);
    output.append("stdout", Buffer.from([0xc3]));
    output.append("stderr", Buffer.from("error"));
    output.append("stdout", Buffer.from([0xa9]));
    end();
    const lines = await readLines(output.lines());
    assert.deepEqual(
      lines.map((line) => line.data),
      ["error", "é", 0],
    );
  });

  test("behind every seq, the lines behind it are read, from memory and from the file", async () => {
    for (const piece of [Buffer.from("x"), Buffer.alloc(150_000, 65)]) {
      const { output, end } = record(segment);
      for (let count = 0; count < 70; count++) output.append("stdout", piece);
      end();
      const all = await readLines(output.lines());
      assert.equal(all.length, 71);
      for (let behind = -1; behind < all.length; behind += piece.length === 1 ? 1 : 7)
        assert.deepEqual(
          await readLines(output.lines({ after: behind })),
          all.slice(behind + 1),
          `after ${behind}`,
        );
    }
  });

  test("whoever follows sees each line once, however fast or slow, and at last the exit", async () => {
    const { output, end } = record(segment);
    const blocks = 12;
    const slow = (async () => {
      const lines: StreamEvent[] = [];
      for await (const block of output.lines()) {
        lines.push(...parseLines(block));
        for (let wait = 0; wait < 50; wait++) await new Promise((resolve) => setImmediate(resolve));
      }
      return lines;
    })();
    const fast = readLines(output.lines());
    for (let count = 0; count < blocks; count++) {
      output.append("stdout", Buffer.alloc(400_000, 65 + count));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const late = readLines(output.lines({ after: 3 }));
    end();
    const lines = await fast;
    assert.equal(lines.length, blocks + 1);
    assertGapless(lines);
    assert.deepEqual(await slow, lines);
    assert.deepEqual(await late, lines.slice(4));
  });

  test("a follower that gives up ends without an error, in memory, in the file, and while nothing comes", async () => {
    for (const [pieces, after] of [
      [40, -1],
      [1, -1],
      [1, 0],
    ] as const) {
      const { output } = record(segment);
      for (let count = 0; count < pieces; count++) output.append("stdout", Buffer.alloc(200_000));
      for await (const block of output.lines()) if (parseLines(block).at(-1)?.seq === pieces - 1) break;
      const controller = new AbortController();
      const lines = output.lines({ after, signal: controller.signal });
      const next = lines.next();
      controller.abort();
      await next;
      assert.equal((await lines.next()).done, true, `${pieces} pieces, after ${after}`);
    }
  });

  test("more than the limit is cut at the limit, said once, and the process is not held up", async () => {
    const recorded = record(segment, 10);
    recorded.output.append("stdout", Buffer.from("12345"));
    recorded.output.append("stderr", Buffer.from("67"));
    assert.equal(recorded.limits, 0);
    for (let count = 0; count < 3; count++) recorded.output.append("stdout", Buffer.from("890abc"));
    recorded.end();
    const lines = await readLines(recorded.output.lines());
    assert.equal(outputOf(lines, "stdout").toString() + outputOf(lines, "stderr").toString(), "1234589067");
    assert.equal(recorded.limits, 1);
    assert.equal(recorded.room(), 5 + 2 + 18);
  });

  test("exactly the limit is within it", async () => {
    const recorded = record(segment, 10);
    recorded.output.append("stdout", Buffer.from("1234567890"));
    assert.equal(recorded.limits, 0);
  });

  test("the tail is the last 4 KiB, however they came", () => {
    for (const size of [1, 100, 4095, 4096, 5000]) {
      const { output } = record(undefined);
      const all = Buffer.from(Array.from({ length: 9000 }, (_, at) => 97 + (at % 26)));
      for (let at = 0; at < all.length; at += size) output.append("stdout", all.subarray(at, at + size));
      assert.equal(output.tail("stdout"), all.subarray(-4096).toString());
      assert.equal(output.tail("stderr"), "");
    }
  });

  test("while its owner does not read, a process gets no more room; when it reads, or goes, it does", async () => {
    const { output, room } = record(segment);
    const owner = output.lines({ isOwner: true });
    const first = owner.next();
    output.append("stderr", Buffer.from("the first line"));
    const piece = Buffer.alloc(100_000);
    let [written, count] = [0, 1];
    // As a process does: it writes what it may, and waits until it may write more.
    const write = async (): Promise<void> => {
      while (written < 40_000_000) {
        const before = count;
        for (; written < room() + 1_000_000; count++) {
          output.append("stdout", piece);
          written += piece.length;
        }
        if (count === before) return;
        for await (const _ of output.lines({ after: count - 2 })) break; // all of it is in the file
      }
    };
    await first;
    await write();
    assert.ok(written > 2_000_000 && written < 8_000_000, `${written} bytes ran ahead of the owner`);
    const held = room();
    while (room() === held) await owner.next();
    await write();
    const ahead = room();
    await owner.return(undefined);
    assert.ok(room() > ahead, "the process waits for an owner who is gone");
  });

  test("what a finished exec wrote is in the file, and no longer in memory", async () => {
    const held = (): number => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers;
    };
    const before = held();
    const finished: ExecOutput[] = [];
    for (let count = 0; count < 20; count++) {
      const { output, end } = record(segment);
      for (let piece = 0; piece < 10; piece++) output.append("stdout", Buffer.alloc(200_000, count));
      end();
      await readLines(output.lines());
      finished.push(output);
    }
    // Buffers are given back a moment after the collector ran.
    for (let tries = 0; tries < 200 && held() - before >= 8_000_000; tries++) await new Promise(setImmediate);
    const kept = held() - before;
    assert.ok(kept < 8_000_000, `${kept} bytes are held for ${finished.length} execs`);
  });

  test("without a segment nothing is kept, and everything is told to who follows", async () => {
    const { output, end } = record(undefined);
    const lines = readLines(output.lines());
    output.append("stdout", Buffer.from("now"));
    end();
    assert.deepEqual(
      (await lines).map((line) => line.data),
      ["now", 0],
    );
  });

  test("a segment that cannot be written costs the kept output, not the stream", async () => {
    const nowhere = new SegmentWriter(join(dir, "no/such/dir/x.out"));
    const { output, end } = record(nowhere);
    const lines = readLines(output.lines());
    output.append("stdout", Buffer.from("before"));
    while (output.writeError === undefined) await new Promise((resolve) => setImmediate(resolve));
    output.append("stdout", Buffer.from("after"));
    end();
    assert.deepEqual(
      (await lines).map((line) => line.data),
      ["before", "after", 0],
    );
    assert.match(output.writeError.message, /ENOENT/);
    const later = record(nowhere);
    later.output.append("stdout", Buffer.from("later"));
    later.end();
    assert.deepEqual(
      (await readLines(later.output.lines())).map((line) => line.data),
      ["later", 0],
    );
  });
});
