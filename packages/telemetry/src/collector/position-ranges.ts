/** Ranges beyond this are made into fewer, with what lies between them: nobody who sends can have this take more memory. */
const MAX_RANGES = 1024;

/** Both inclusive. */
export interface PositionRange {
  from: number;
  to: number;
}

/** Which stretches of a log are still to be looked at, in order. May come to hold more positions than were added, never fewer. */
export class PositionRanges {
  readonly #ranges: PositionRange[] = [];

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** Adds what is behind all that was added before, but for positions that are given again because their records were refused. */
  add(from: number, to: number = from): void {
    if (to < from) return;
    let end = to;
    while (this.#ranges.at(-1) !== undefined && this.#ranges.at(-1)!.from >= from) {
      end = Math.max(end, this.#ranges.pop()!.to);
    }
    const last = this.#ranges.at(-1);
    const isNext = last !== undefined && from <= last.to + 1;
    if (last !== undefined && (isNext || this.#ranges.length === MAX_RANGES))
      last.to = Math.max(last.to, end);
    else this.#ranges.push({ from, to: end });
  }

  /** The first stretch, as far as there is anything of it up to `last`. */
  first(last: number): PositionRange | undefined {
    const range = this.#ranges[0];
    if (range === undefined || range.from > last) return undefined;
    return { from: range.from, to: Math.min(range.to, last) };
  }

  /** Everything up to this position is done with. */
  done(to: number): void {
    while (this.#ranges[0] !== undefined && this.#ranges[0].to <= to) this.#ranges.shift();
    const [range] = this.#ranges;
    if (range !== undefined) range.from = Math.max(range.from, to + 1);
  }

  /** Last position, of those up to `last`, before which nothing is left. */
  doneTo(last: number): number {
    return Math.min(last, (this.#ranges[0]?.from ?? Number.POSITIVE_INFINITY) - 1);
  }
}
