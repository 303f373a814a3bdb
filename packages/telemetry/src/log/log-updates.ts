import type { LogUpdate, SegmentState } from "./log-feed.ts";

/** Passes on what is told of a log, from all that there is, also to who comes later or to several. */
export class LogUpdates {
  /** By first position. */
  readonly #segments = new Map<number, SegmentState>();
  readonly #followers = new Set<(update: LogUpdate) => void>();
  #lastPosition = 0;
  #firstSegment = 0;
  #isKnown = false;

  /** What a `LogFeed` tells, wherever it runs; one that begins anew tells all again. */
  apply(update: LogUpdate): void {
    this.#isKnown = true;
    this.#lastPosition = update.lastPosition;
    this.#firstSegment = update.firstSegment;
    for (const segment of update.segments) this.#segments.set(segment.firstPosition, segment);
    for (const position of this.#segments.keys()) {
      if (position < update.firstSegment) this.#segments.delete(position);
    }
    for (const post of this.#followers) post(update);
  }

  /** Posts all that is known, then what is new. Returns what ends that. */
  follow = (post: (update: LogUpdate) => void): (() => void) => {
    this.#followers.add(post);
    if (this.#isKnown) {
      const segments = [...this.#segments.values()].toSorted((a, b) => a.firstPosition - b.firstPosition);
      post({ lastPosition: this.#lastPosition, firstSegment: this.#firstSegment, segments });
    }
    return () => this.#followers.delete(post);
  };
}
