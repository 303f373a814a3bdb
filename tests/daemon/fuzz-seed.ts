import type { TestContext } from "node:test";

/**
 * How a fuzzing test runs: from a seed of its own each time, so that runs add up. What it finds is replayed by
 * `SANDGLASS_FUZZ_SEED=<seed>`; `SANDGLASS_FUZZ_FACTOR=20` has it run twenty times as long.
 */
export function fuzzing(t: TestContext, runs: number): { seed: number; numRuns: number; verbose: 1 } {
  const { SANDGLASS_FUZZ_SEED: given, SANDGLASS_FUZZ_FACTOR: factor = "1" } = process.env;
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
  const numRuns = runs * Number(factor);
  t.diagnostic(`seed ${seed}, ${numRuns} runs`);
  return { seed, numRuns, verbose: 1 };
}
