import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "./nearest-name.ts";

const OPTIONS = ["memoryMb", "diskMb", "timeoutMs", "idleTimeoutMs", "env", "template"];

for (const [word, expected] of [
  ["memoryMB", "memoryMb"],
  ["memory", "memoryMb"],
  ["memroyMb", "memoryMb"],
  ["timeout", "timeoutMs"],
  ["envs", "env"],
  ["tempalte", "template"],
  ["colour", undefined],
  ["x", undefined],
  ["", undefined],
] as const) {
  test(`nearest to "${word}" is ${expected ?? "nothing"}`, () => {
    assert.equal(nearestName(word, OPTIONS), expected);
  });
}

test("a word of a megabyte is answered at once: nothing is that near", () => {
  assert.equal(nearestName("m".repeat(1_000_000), OPTIONS), undefined);
});
