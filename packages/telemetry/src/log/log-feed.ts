import { setTimeout as delay } from "node:timers/promises";
import type { LogView } from "./log-reader.ts";
import type { Segment } from "./segment.ts";

/** How often another thread hears of new records; a message for each commit would cost the writer more than the write. */
const FEED_EVERY_MS = 10;

/** A segment as another thread is told of it. */
export type SegmentState = Pick<
  Segment,
  "path" | "firstPosition" | "createdAt" | "sizeBytes" | "readableBytes" | "lastPosition"
>;

/** What changed in the log since the message before. */
export interface LogUpdate {
  lastPosition: number;
  /** Position of the oldest segment there is; those before it are gone. */
  firstSegment: number;
  /** New ones, and those whose sizes or end changed, in order. */
  segments: SegmentState[];
}

/** Tells a reader in another thread what there is to read. The records themselves it reads from the files. */
export class LogFeed {
  readonly #view: LogView;
  readonly #post: (update: LogUpdate) => void;
  readonly #ending = new AbortController();
  /** By first position: `readableBytes` and `lastPosition` as they were told. */
  readonly #told = new Map<number, string>();
  #toldPosition = -1;

  constructor(view: LogView, post: (update: LogUpdate) => void) {
    this.#view = view;
    this.#post = post;
    void this.#run();
  }

  /** Says now what is new, so that whatever is posted next is understood. */
  update(): void {
    const { segments, lastPosition } = this.#view;
    const firstSegment = segments[0]?.firstPosition ?? 0;
    const changed: SegmentState[] = [];
    for (const segment of segments) {
      const { path, firstPosition, createdAt, sizeBytes, readableBytes, lastPosition: end } = segment;
      const state = `${readableBytes} ${end} ${sizeBytes}`;
      if (this.#told.get(firstPosition) === state) continue;
      this.#told.set(firstPosition, state);
      changed.push({ path, firstPosition, createdAt, sizeBytes, readableBytes, lastPosition: end });
    }
    for (const position of this.#told.keys()) if (position < firstSegment) this.#told.delete(position);
    if (changed.length === 0 && lastPosition === this.#toldPosition) return;
    this.#toldPosition = lastPosition;
    this.#post({ lastPosition, firstSegment, segments: changed });
  }

  stop(): void {
    this.#ending.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      this.update();
      if (this.#view.isClosed) return;
      await this.#view.changed.wait(signal);
      await delay(FEED_EVERY_MS);
    }
  }
}
