import { type Seeded, seeded } from "../../packages/testkit/src/seeded.ts";
import { CoveredCode } from "./covered-code.ts";
import { bytesOf, type FuzzTarget } from "./fuzz-target.ts";
import { mutate } from "./mutate.ts";

/** Coverage is asked for once for so many inputs, as that takes longer than most of them: the more, the rarer news have become. */
const BATCH = { least: 8, most: 256 } as const;
const MAX_BYTES = 2048;
const SHRINK_TRIES = 2000;

export interface FuzzReport {
  executed: number;
  /** Inputs that are kept to make others of, each for code or an outcome that it was the first to reach. */
  corpus: Buffer[];
  outcomes: number;
  /** Characters of source that ran. */
  covered: number;
  /** The smallest input found that breaks a promise; nothing is tried after it. */
  failure?: { input: Buffer; error: unknown };
}

/** When to stop making new inputs, whichever comes first. */
export interface FuzzBudget {
  ms: number;
  executions?: number;
  /** All that was kept stays, and which of it adds nothing is not asked: asking takes longer than most inputs. */
  keepsAll?: boolean;
}

/**
 * Coverage-guided fuzzing in the own thread: inputs that have code run which none before did, or an outcome that none before had, are
 * kept and changed further.
 *
 * @param kept inputs of earlier runs, all of which are tried first
 * @param seed the same one makes the same inputs, as far as the time lasts
 */
export async function guidedFuzz(
  target: FuzzTarget,
  kept: readonly Buffer[],
  budget: FuzzBudget,
  seed: number,
): Promise<FuzzReport> {
  const fuzzer = new Fuzzer(target, seed);
  try {
    await fuzzer.begin([...target.seeds.map(bytesOf), ...kept], budget.keepsAll === true);
    const until = performance.now() + budget.ms;
    const isDone = (): boolean =>
      performance.now() >= until || fuzzer.executed >= (budget.executions ?? Number.POSITIVE_INFINITY);
    while (!isDone() && fuzzer.failure === undefined) await fuzzer.step();
    return await fuzzer.report();
  } finally {
    fuzzer.close();
  }
}

class Fuzzer {
  executed = 0;
  failure: FuzzReport["failure"];
  readonly #target: FuzzTarget;
  readonly #words: readonly Buffer[];
  readonly #random: Seeded;
  readonly #covered: CoveredCode;
  readonly #corpus: Buffer[] = [];
  readonly #outcomes = new Set<string>();
  #batch: number = BATCH.least;

  constructor(target: FuzzTarget, seed: number) {
    this.#target = target;
    this.#words = target.words.map(bytesOf);
    this.#random = seeded(seed);
    this.#covered = new CoveredCode(target.watched);
  }

  /** One by one, the short ones first: what a long one adds nothing to is not kept, unless all are. */
  async begin(inputs: readonly Buffer[], keepsAll: boolean): Promise<void> {
    for (const input of [...inputs].sort((a, b) => a.length - b.length)) {
      const isNew = await this.#run(input);
      if (keepsAll || this.#covered.news() > 0 || isNew) this.#corpus.push(input);
      if (this.failure !== undefined) return;
    }
    this.#covered.news(); // of all of them, where it was not asked yet
    if (this.#corpus.length === 0) this.#corpus.push(Buffer.alloc(0));
  }

  async step(): Promise<void> {
    const found: { input: Buffer; isNew: boolean }[] = [];
    for (let count = 0; count < this.#batch && this.failure === undefined; count++) {
      const input = this.#change();
      found.push({ input, isNew: await this.#run(input) });
    }
    for (const { input, isNew } of found) if (isNew) this.#corpus.push(input);
    const isNews = this.#covered.news() > 0;
    this.#batch = isNews ? BATCH.least : Math.min(BATCH.most, 2 * this.#batch);
    if (!isNews) return;
    // Once more, one by one, to see which of them it was.
    this.#covered.forgetNews();
    for (const { input, isNew } of found) {
      await this.#run(input);
      if (this.#covered.news() > 0 && !isNew) this.#corpus.push(input);
    }
  }

  async report(): Promise<FuzzReport> {
    if (this.failure !== undefined) this.failure.input = await this.#shrunk(this.failure.input);
    const { executed, failure } = this;
    return {
      executed,
      corpus: this.#corpus,
      outcomes: this.#outcomes.size,
      covered: this.#covered.characters,
      ...(failure && { failure }),
    };
  }

  close(): void {
    this.#covered.close();
  }

  #change(): Buffer {
    const { pick, int } = this.#random;
    const [given, other] = [pick(this.#corpus), pick(this.#corpus)];
    const changed =
      this.#target.change?.(given, other, this.#random) ?? mutate(given, other, this.#words, this.#random);
    const bytes = changed.subarray(0, MAX_BYTES);
    return this.#target.mend !== undefined && int(3) > 0 ? this.#target.mend(bytes) : bytes;
  }

  /** @returns whether nothing had this outcome before */
  async #run(input: Buffer): Promise<boolean> {
    this.executed++;
    try {
      const outcome = await this.#target.check(input);
      if (this.#outcomes.has(outcome)) return false;
      this.#outcomes.add(outcome);
      return true;
    } catch (error) {
      this.failure ??= { input, error };
      return false;
    }
  }

  /** Shorter ones that break something too, as far as they are found quickly. */
  async #shrunk(input: Buffer): Promise<Buffer> {
    let smallest = input;
    let tries = 0;
    for (let size = Math.ceil(input.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < smallest.length && tries < SHRINK_TRIES; tries++) {
        const shorter = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
        if (await this.#breaks(shorter)) smallest = shorter;
        else at += size;
      }
    }
    return smallest;
  }

  async #breaks(input: Buffer): Promise<boolean> {
    try {
      await this.#target.check(input);
      return false;
    } catch {
      return true; // in which way does not matter: the smallest is looked at by somebody
    }
  }
}
