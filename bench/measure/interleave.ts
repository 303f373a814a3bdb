/** One of several things that are compared. */
export interface Candidate {
  name: string;
  /** Does it once and resolves with how long that took, milliseconds: preparing and tidying up need not count. */
  run(): Promise<number>;
}

/**
 * Runs the candidates in turns, each once in a round, so that whatever the machine is busy with meanwhile is a burden to all of them. Each
 * round has an order of its own: what one does behind its answer is beside whoever comes next, which must not always be the same one.
 *
 * @returns the samples by name, in the order of the candidates
 */
export async function interleave(
  rounds: number,
  candidates: readonly Candidate[],
): Promise<Map<string, number[]>> {
  const samples = new Map(candidates.map(({ name }): [string, number[]] => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of shuffled(candidates)) samples.get(name)!.push(await run());
  }
  return samples;
}

function shuffled(candidates: readonly Candidate[]): Candidate[] {
  const order = [...candidates];
  for (let left = order.length; left > 1; left--) {
    const at = Math.floor(Math.random() * left);
    [order[at], order[left - 1]] = [order[left - 1]!, order[at]!];
  }
  return order;
}

/** How long one call takes, milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
