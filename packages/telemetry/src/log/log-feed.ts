import type { LogView } from "./log-reader.ts";
import type { Segment } from "./segment.ts";

/** Default of how often another thread hears of new records; a message for each commit would cost the writer more than the write. */
const FEED_EVERY_MS = 10;

/** A segment as another thread is told of it. */
export type SegmentState = Pick<
  Segment,
  "path" | "firstPosition" | "createdAt" | "sizeBytes" | "readableBytes" | "lastPosition" | "rewrites"
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
  /** By first position: what may change, as it was told. */
  readonly #told = new Map<number, string>();
  readonly #everyMs: number;
  #toldPosition = -1;
  #timer: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;
  #isStopped = false;

  /** @param everyMs what is new is told at most so often */
  constructor(view: LogView, post: (update: LogUpdate) => void, everyMs: number = FEED_EVERY_MS) {
    this.#view = view;
    this.#post = post;
    this.#everyMs = everyMs;
    this.#tell();
  }

  /** Says now what is new, so that whatever is posted next is understood. */
  update(): void {
    const { segments, lastPosition } = this.#view;
    const firstSegment = segments[0]?.firstPosition ?? 0;
    const changed: SegmentState[] = [];
    for (const segment of segments) {
      const {
        path,
        firstPosition,
        createdAt,
        sizeBytes,
        readableBytes,
        lastPosition: end,
        rewrites,
      } = segment;
      const state = `${readableBytes} ${end} ${sizeBytes} ${rewrites}`;
      if (this.#told.get(firstPosition) === state) continue;
      this.#told.set(firstPosition, state);
      changed.push({ path, firstPosition, createdAt, sizeBytes, readableBytes, lastPosition: end, rewrites });
    }
    for (const position of this.#told.keys()) if (position < firstSegment) this.#told.delete(position);
    if (changed.length === 0 && lastPosition === this.#toldPosition) return;
    this.#toldPosition = lastPosition;
    this.#post({ lastPosition, firstSegment, segments: changed });
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#unlisten?.();
  }

  /** Between two messages a commit pays nothing for the feed, and the first behind one pays for a timer. */
  readonly #tell = (): void => {
    if (this.#isStopped) return;
    this.update();
    if (this.#view.isClosed) return;
    this.#unlisten = this.#view.changed.once(() => {
      this.#timer = setTimeout(this.#tell, this.#everyMs);
    });
  };
}
