import assert from "node:assert/strict";
import type { ExporterCounts, ExporterInfo } from "@sandglass/protocol";

const EVERY_MS = 1;

/** Looks at the accounts of exporters again and again: accepted = delivered + filtered + queued + in flight + dropped. */
export class InvariantWatch {
  /** Everything an exporter said of itself but its numbers, each once. */
  readonly said = new Set<string>();
  samples = 0;
  readonly #list: () => readonly ExporterInfo[];
  readonly #committed: () => number;
  readonly #timer: NodeJS.Timeout;
  #broken: string | undefined;

  /** @param committed how many events are in the log */
  constructor(list: () => readonly ExporterInfo[], committed: () => number) {
    this.#list = list;
    this.#committed = committed;
    this.#timer = setInterval(() => this.#sample(), EVERY_MS).unref();
  }

  /** @throws AssertionError with the first sample that did not add up */
  check(): void {
    this.#sample();
    assert.equal(this.#broken, undefined);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    for (const { counts, ...others } of this.#list()) {
      this.samples += 1;
      this.#broken ??= describeBroken(counts, this.#committed());
      const { lastError, destination, deadLetterFile, id, provider, state } = others;
      this.said.add(JSON.stringify([lastError?.message, destination, deadLetterFile, id, provider, state]));
    }
  }
}

/**
 * What is wrong with an exporter's numbers; undefined where they add up.
 *
 * @param committed how many events it must have accepted; undefined where that is not known
 */
export function describeBroken(counts: ExporterCounts, committed?: number): string | undefined {
  const { accepted, delivered, filtered, queued, inFlight, dropped } = counts;
  const parts = [delivered, filtered, queued, inFlight, ...Object.values(dropped)];
  const isWhole = [accepted, ...parts].every((count) => Number.isSafeInteger(count) && count >= 0);
  const sum = parts.reduce((total, count) => total + count, 0);
  if (isWhole && sum === accepted && (committed === undefined || accepted === committed)) return undefined;
  const known = committed === undefined ? "" : ` of ${committed} committed`;
  return `accepted ${accepted}${known} is not the sum of its parts: ${JSON.stringify(counts)}`;
}
