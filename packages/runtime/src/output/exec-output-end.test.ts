import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { newExecId } from "@sandglass/protocol";
import { readLines } from "@sandglass/testkit";
import { ExecOutput } from "./exec-output.ts";
import { SegmentWriter } from "./segment-writer.ts";

test("what comes when an exec is over is neither counted, kept nor shown, and holds no process up", async () => {
  const execId = newExecId();
  let room = 0;
  let kept = 0;
  const output = new ExecOutput({
    execId,
    segment: undefined,
    maxBytes: 1000,
    onLimit: () => assert.fail("it is within the limit"),
    onRoom: (bytes) => {
      room += bytes;
    },
    onKept: (_stream, bytes) => {
      kept += bytes.length;
    },
  });
  output.append("stdout", Buffer.from("in time"));
  output.close();
  output.append("stdout", Buffer.from("between"));
  output.appendResult({ "text/plain": "late" });
  output.appendExit({ type: "exit", data: 0, code: 0, cause: "exited", durationMs: 1, execId });
  output.showExit();
  output.append("stderr", Buffer.alloc(2000));
  const lines = await readLines(output.lines());
  assert.deepEqual(
    lines.map(({ type }) => type),
    ["stdout", "exit"],
  );
  assert.deepEqual([output.bytes, kept], [{ stdout: 7, stderr: 0 }, 7]);
  output.release();
  assert.equal(room, 7 + 7 + 2000);
});

test("the last line is in the file with all before it when nobody has been shown it yet", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "sg-end-"));
  t.after(() => rm(dir, { recursive: true }));
  const execId = newExecId();
  const path = join(dir, "one.out");
  const segment = new SegmentWriter(path);
  const output = new ExecOutput({
    execId,
    segment,
    maxBytes: 1e9,
    onLimit: () => {},
    onRoom: () => {},
    onKept: () => {},
  });
  // Large enough to be written off the event loop.
  output.append("stdout", Buffer.alloc(3_000_000, "x"));
  output.close();
  output.appendExit({ type: "exit", data: 3, code: 3, cause: "exited", durationMs: 1, execId });
  await output.written();
  const kept = await readFile(path, "latin1");
  assert.deepEqual([kept.length, kept.includes('"code":3')], [segment.endOffset, true]);
  const shown: string[] = [];
  const showing = (async () => {
    for await (const line of readLinesOf(output)) shown.push(line.type);
  })();
  while (shown.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([...new Set(shown)], ["stdout"]);
  output.showExit();
  await showing;
  assert.equal(shown.at(-1), "exit");
  segment.close();
});

async function* readLinesOf(output: ExecOutput): AsyncGenerator<{ type: string }> {
  for await (const block of output.lines())
    for (const line of block.trimEnd().split("\n")) yield JSON.parse(line) as { type: string };
}

test("what is kept of an ended exec is in the file alone, and is read from there from any line on", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "sg-forget-"));
  t.after(() => rm(dir, { recursive: true }));
  const execId = newExecId();
  const segment = new SegmentWriter(join(dir, "one.out"));
  const output = new ExecOutput({
    execId,
    segment,
    maxBytes: 1e9,
    onLimit: () => {},
    onRoom: () => {},
    onKept: () => {},
  });
  for (let line = 0; line < 3; line++) output.append("stdout", Buffer.from(`line ${line}\n`));
  output.close();
  output.appendExit({ type: "exit", data: 0, code: 0, cause: "exited", durationMs: 1, execId });
  await output.written();
  output.showExit();
  const before = await readLines(output.lines());
  const ended = output.ended();
  assert.equal(ended.memoryBytes, 0);
  assert.deepEqual(await readLines(ended.lines()), before);
  assert.deepEqual(await readLines(ended.lines({ after: 1 })), before.slice(2));
  assert.deepEqual(await readLines(ended.lines({ after: 3 })), []);
  // What is damaged on disk is missed by whoever reads it there, and by nobody who has it in memory.
  await writeFile(join(dir, "one.out"), "");
  await assert.rejects(() => readLines(ended.lines()), /ends before line 0/);
  assert.deepEqual(await readLines(output.lines()), before);
  segment.close();
});

test("output that is not to stay on disk is kept in memory when its exec has ended", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "sg-nameless-"));
  t.after(() => rm(dir, { recursive: true }));
  const execId = newExecId();
  const segment = new SegmentWriter(join(dir, "one.out"), { isNameless: true });
  const output = new ExecOutput({
    execId,
    segment,
    maxBytes: 1e9,
    onLimit: () => {},
    onRoom: () => {},
    onKept: () => {},
  });
  output.append("stdout", Buffer.alloc(1000, "x"));
  output.close();
  output.appendExit({ type: "exit", data: 0, code: 0, cause: "exited", durationMs: 1, execId });
  await output.written();
  output.showExit();
  segment.close();
  const ended = output.ended();
  assert.ok(ended.memoryBytes > 1000, String(ended.memoryBytes));
  assert.equal((await readLines(ended.lines())).length, 2);
});
