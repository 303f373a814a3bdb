import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamEvent } from "@sandglass/protocol";
import { nextStep, passed, Recording, ReplayOutput, replayTimes } from "./replay.ts";

const START = 1_000;
const EVENTS: StreamEvent[] = [
  { type: "stdout", data: "on", seq: 0, ts: 1_100 },
  { type: "stdout", data: "e\ntwo", seq: 1, ts: 6_100 },
  { type: "stderr", data: "odd\n", seq: 2, ts: 6_050 },
  { type: "exit", data: 0, code: 0, cause: "exited", durationMs: 6_000, execId: "exec_1", seq: 3, ts: 7_000 },
];

test("a replay keeps the recorded gaps, and shortens them where idle time is skipped", () => {
  assert.deepEqual([...replayTimes(EVENTS, START, false)], [100, 5_100, 5_100, 6_000]);
  assert.deepEqual([...replayTimes(EVENTS, START, true)], [100, 500, 500, 900]);
});

test("what has passed at a time is what was written until then, its own millisecond included", () => {
  const times = replayTimes(EVENTS, START, false);
  assert.deepEqual(
    [0, 99, 100, 5_099, 5_100, 9_999].map((at) => passed(times, at)),
    [0, 0, 1, 1, 3, 4],
  );
});

test("at the highest speed each step shows something new, and the last one is the end", () => {
  const times = replayTimes(EVENTS, START, false);
  assert.deepEqual([nextStep(times, 0), nextStep(times, 100), nextStep(times, 5_100)], [100, 5_100, 6_000]);
  const many = Float64Array.from({ length: 12_000 }, (_, index) => index);
  assert.equal(nextStep(many, 0), 100);
  assert.equal(nextStep(many, 11_999), 11_999);
});

test("an unfinished line shows as far as it was written; forth and back come to the same", () => {
  const output = new ReplayOutput(EVENTS);
  const texts = (count: number): string[] =>
    output
      .after(count)
      .shown()
      .map(({ text }) => text);
  assert.deepEqual(texts(1), ["on"]);
  assert.deepEqual(texts(3), ["one", "odd", "two"]);
  assert.deepEqual(texts(4), ["one", "odd", "two"]);
  assert.deepEqual(texts(1), ["on"]);
  assert.deepEqual(texts(0), []);
});

test("a recording that would fill the page is cut, and says so", () => {
  const recording = new Recording();
  const data = "x".repeat(3 * 1024 * 1024);
  recording.add({ type: "stdout", data, seq: 0, ts: 0 });
  assert.equal(recording.isCut, false);
  recording.add({ type: "stdout", data, seq: 1, ts: 1 });
  assert.deepEqual([recording.isCut, recording.events.length], [true, 1]);
});
