import { checksumSeed, FedLog, type LogItem, type LogUpdate } from "@sandglass/telemetry/reading";

/** A log that the store is filled from, as the daemon tells of it. */
export class SourceLog {
  readonly #dir: string | undefined;
  readonly #onProblem: (message: string) => void;
  readonly #fed = Promise.withResolvers<void>();
  #log: FedLog | undefined;

  /** @param dir of a log that holds what others sent, whose checksums have a seed; undefined for the daemon's own */
  constructor(dir: string | undefined, onProblem: (message: string) => void) {
    this.#dir = dir;
    this.#onProblem = onProblem;
  }

  /** Resolves when it is known what there is. */
  get fed(): Promise<void> {
    return this.#fed.promise;
  }

  get lastPosition(): number {
    return this.#log?.lastPosition ?? 0;
  }

  apply(update: LogUpdate): void {
    // Whoever writes it has made the seed before it told of anything.
    this.#log ??= new FedLog(
      "",
      false,
      ({ kind }) => this.#onProblem(`a log: ${kind}`),
      this.#dir === undefined ? 0 : checksumSeed(this.#dir),
    );
    this.#log.apply(update);
    this.#fed.resolve();
  }

  /** Nothing will be told any more. */
  endWaiting(): void {
    this.#fed.resolve();
  }

  /** From a position on, until `signal`. A log that ends before that position is another one, and is read from its beginning. */
  async *batches(from: number, lingerMs: number, signal: AbortSignal): AsyncGenerator<LogItem[]> {
    const log = this.#log;
    if (log === undefined) return;
    const first = from > log.lastPosition + 1 ? 1 : from;
    yield* log.readBatches({ from: Math.max(first, log.oldestPosition), follow: true, lingerMs, signal });
  }
}
