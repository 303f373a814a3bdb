import { readFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../../log/testing/test-log.ts";
import { SIGNALS, type Signal } from "../../model.ts";
import { encodeByOracle } from "../../testing/oracle.ts";
import { stampRequest } from "../stamp-request.ts";
import { BlockCoverage } from "./block-coverage.ts";
import { attribute, entry, number, resource, scopeSpans, sized } from "./forge.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import { assertRelayedSafely } from "./relay-invariants.ts";
import { TEST_STAMP } from "./test-stamp.ts";

/** Coverage is asked for once for so many requests, as that takes longer than any of them. */
const BATCH = 50;
const MAX_BYTES = 4096;

/** A request of one signal. */
export interface Case {
  signal: Signal;
  body: Buffer;
}

export interface FuzzReport {
  executed: number;
  /** Requests that were passed on, not refused. */
  relayed: number;
  /** Requests that are kept to make others of, each for something that no other did. */
  corpus: number;
  /** Blocks of the relay's code that ran. */
  blocks: number;
  /** A request that breaks an invariant; nothing is tried after it. */
  failure?: Case & { error: unknown };
}

/**
 * Coverage-guided fuzzing: requests that make code run which none before did, or have an outcome that none before had, are kept and
 * changed further.
 *
 * @param seed the same one makes the same requests, as far as the time lasts
 */
export function fuzzRelay(forMs: number, seed: number): FuzzReport {
  const fuzzer = new RelayFuzzer(seed);
  const until = performance.now() + forMs;
  while (performance.now() < until && fuzzer.report.failure === undefined) fuzzer.step();
  return fuzzer.close();
}

class RelayFuzzer {
  readonly report: FuzzReport = { executed: 0, relayed: 0, corpus: 0, blocks: 0 };
  readonly #random: (below: number) => number;
  readonly #corpus: Case[] = seeds();
  readonly #coverage = new BlockCoverage("/otlp/relay/");
  readonly #blocks = new Set<string>();
  #lastFound: readonly string[] = [];
  readonly #outcomes = new Set<string>();

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    for (const given of this.#corpus) this.#run(given);
    this.#newBlocks();
  }

  step(): void {
    const batch = Array.from({ length: BATCH }, () => this.#change());
    const finders = batch.filter((given) => this.#run(given));
    this.#corpus.push(...finders);
    if (this.#newBlocks() === 0) return;
    // Once more, one by one, to see which of them it was.
    for (const block of this.#lastFound) this.#blocks.delete(block);
    for (const given of batch) {
      this.#run(given);
      if (this.#newBlocks() > 0 && !finders.includes(given)) this.#corpus.push(given);
    }
  }

  close(): FuzzReport {
    this.#coverage.close();
    return { ...this.report, corpus: this.#corpus.length, blocks: this.#blocks.size };
  }

  /** How many blocks ran, since it was last asked, that never had. */
  #newBlocks(): number {
    this.#lastFound = this.#coverage.take().filter((block) => !this.#blocks.has(block));
    for (const block of this.#lastFound) this.#blocks.add(block);
    return this.#lastFound.length;
  }

  #change(): Case {
    const { signal, body } = this.#any();
    const other = this.#any();
    const to = this.#random(8) === 0 ? other.signal : signal;
    return { signal: to, body: mutateBytes(body, other.body, this.#random).subarray(0, MAX_BYTES) };
  }

  #any(): Case {
    return this.#corpus[this.#random(this.#corpus.length)]!;
  }

  /** @returns whether it was relayed, and nothing that was had this outcome before */
  #run({ signal, body }: Case): boolean {
    this.report.executed++;
    try {
      if (!assertRelayedSafely(signal, body)) return false;
    } catch (error) {
      this.report.failure ??= { signal, body, error };
    }
    this.report.relayed++;
    const before = this.#outcomes.size;
    this.#outcomes.add(outcomeOf(signal, body));
    return this.#outcomes.size > before;
  }
}

/** What came of a request that was relayed, in short. */
export function outcomeOf(signal: Signal, body: Buffer): string {
  const result = stampRequest(signal, body, TEST_STAMP);
  const counts = "error" in result ? [] : [result.items, result.resources, result.removed];
  return [signal, ...counts.map((count) => Math.min(count, 4))].join(" ");
}

/** Requests to begin with. */
export function seeds(): Case[] {
  const examples = [
    ["trace.json", "traces"],
    ["logs.json", "logs"],
    ["metrics.json", "metrics"],
  ] as const;
  const small = entry(
    resource(attribute("a"), number(2, 1), sized(3, sized(3, "a"))),
    scopeSpans(2),
    resource(attribute("b")),
  );
  return [
    ...SIGNALS.map((signal) => ({ signal, body: small })),
    ...examples.map(([file, signal]): Case => {
      const json = JSON.parse(readFileSync(join(import.meta.dirname, "../../fixtures", file), "utf8"));
      return { signal, body: Buffer.from(encodeByOracle(signal, json)) };
    }),
  ];
}
