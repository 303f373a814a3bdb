import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogEntry } from "@sandglass/protocol";
import { TailFollower } from "./tail-follower.ts";

function entry(body: string): { entry: LogEntry; line: string } {
  const about = { traceId: "", spanId: "", sandboxId: "", runId: "", service: "", attributes: {} };
  const own = { id: "log_1", timestamp: "", severity: 9, body, ...about };
  return { entry: own, line: `${JSON.stringify(own)}\n` };
}

test("a follower that does not take what it got misses the oldest, and is told how many", () => {
  const blocks: string[] = [];
  const follower = new TailFollower(1, { orgId: "default" }, ({ lines }) => blocks.push(lines));
  const all = 20_000;
  for (let index = 0; index < all; index += 1) {
    follower.offer(entry(`line ${index}`));
    follower.flush();
  }
  assert.equal(blocks.length, 1, "the next waits until the first is taken");
  let taken = 0;
  while (taken < blocks.length) {
    taken += 1;
    follower.taken();
  }
  const lines = blocks.flatMap((block) => block.trimEnd().split("\n")).map((line) => JSON.parse(line));
  const missed = lines.filter(({ type }) => type === "gap").reduce((sum, gap) => sum + gap.missed, 0);
  const got = lines.filter(({ type }) => type !== "gap");
  assert.ok(missed > 0);
  assert.equal(got.length + missed, all);
  assert.equal(got.at(-1).body, `line ${all - 1}`);
  assert.equal(lines[1].type, "gap", "said where they are missing");
});

test("one huge line after another is held no longer than there is room", () => {
  const blocks: string[] = [];
  const follower = new TailFollower(1, { orgId: "default" }, ({ lines }) => blocks.push(lines));
  for (let index = 0; index < 100; index += 1) follower.offer(entry("x".repeat(65_536)));
  follower.flush();
  for (let taken = 0; taken < blocks.length; taken += 1) follower.taken();
  assert.ok(blocks.join("").length <= 1_200_000);
});
