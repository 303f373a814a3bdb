/** One of several things that are compared. */
export interface Candidate {
  name: string;
  /** Does it once and resolves with how long that took, milliseconds: preparing and tidying up need not count. */
  run(): Promise<number>;
}

/**
 * Runs the candidates in turns, A B C A B C …, so that whatever the machine is busy with meanwhile is a burden to all of them.
 *
 * @returns the samples by name, in the order of the candidates
 */
export async function interleave(
  rounds: number,
  candidates: readonly Candidate[],
): Promise<Map<string, number[]>> {
  const samples = new Map(candidates.map(({ name }): [string, number[]] => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of candidates) samples.get(name)!.push(await run());
  }
  return samples;
}

/** How long one call takes, milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
