import type { TestContext } from "node:test";
import { type Seeded, seeded } from "@sandglass/testkit";

/** Of tests that are the same in every run. */
const FIXED_SEED = 20_260_418;

/**
 * How a fuzzing test runs: from a seed of its own each time, so that runs add up. What it finds is replayed by
 * `SANDGLASS_FUZZ_SEED=<seed>`; `SANDGLASS_FUZZ_FACTOR=20` has it run twenty times as long.
 */
export function fuzzing(t: TestContext, runs: number): { seed: number; numRuns: number; verbose: 1 } {
  const seed = givenSeed() ?? Math.floor(Math.random() * 2 ** 31);
  const numRuns = longer(runs);
  t.diagnostic(`seed ${seed}, ${numRuns} runs`);
  return { seed, numRuns, verbose: 1 };
}

/** As {@link fuzzing}, for tests that send the same each time, where no seed is given. */
export function seededFuzzing(t: TestContext, runs: number): { random: Seeded; runs: number } {
  const seed = givenSeed() ?? FIXED_SEED;
  t.diagnostic(`seed ${seed}, ${longer(runs)} runs`);
  return { random: seeded(seed), runs: longer(runs) };
}

function givenSeed(): number | undefined {
  const { SANDGLASS_FUZZ_SEED: given } = process.env;
  return given === undefined ? undefined : Number(given);
}

function longer(runs: number): number {
  return runs * Number(process.env.SANDGLASS_FUZZ_FACTOR ?? 1);
}
