import assert from "node:assert/strict";
import { test } from "node:test";
import type { FuzzTarget } from "./fuzz-target.ts";
import { guidedFuzz } from "./guided-fuzz.ts";
import { planted } from "./testing/planted.ts";

const BUDGET = { ms: 60_000, executions: 60_000 };

function target(watched: readonly string[]): FuzzTarget {
  const check = (input: Buffer): string => {
    planted(input);
    return "";
  };
  return { name: "planted", watched, words: [], seeds: ["no?"], check };
}

test("coverage leads to a mistake that chance does not find, and what is told is its smallest input", async () => {
  const guided = await guidedFuzz(target(["/fuzz/testing/planted.ts"]), [], BUDGET, 1);
  assert.equal(guided.failure?.input.toString(), "SAN");
  const blind = await guidedFuzz(
    target(["/no such file"]),
    [],
    { ...BUDGET, executions: guided.executed },
    1,
  );
  assert.equal(blind.failure, undefined);
});

test("a kept input that breaks a promise is found before anything else is tried", async () => {
  const { failure, executed } = await guidedFuzz(target([]), [Buffer.from("SANDGLASS")], BUDGET, 1);
  assert.match(String(failure?.error), /the mistake/);
  assert.equal(executed, 2); // behind the seed, which is shorter
});
