import type { StreamEvent } from "@sandglass/protocol";
import { OutputLines } from "./output-lines.ts";

/** What a page keeps of a stream to play it again; going back parses it anew, which has to be quick. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
const MAX_EVENTS = 50_000;
/** What a pause is shortened to where idle time is skipped. Milliseconds. */
const IDLE_MS = 400;
/** At most so many steps where nothing is waited for: two seconds at sixty pictures a second. */
const STEPS = 120;

/** The lines of an exec's stream with their times, as far as they fit. */
export class Recording {
  readonly events: StreamEvent[] = [];
  /** More was written than is kept. */
  isCut = false;
  #characters = 0;

  add(event: StreamEvent): void {
    const size = typeof event.data === "string" ? event.data.length : 0;
    if (this.isCut || this.events.length >= MAX_EVENTS || this.#characters + size > MAX_CHARACTERS) {
      this.isCut = true;
      return;
    }
    this.#characters += size;
    this.events.push(event);
  }
}

/**
 * When each event of a recording is shown, milliseconds behind the start of the replay.
 *
 * @param startMs when the exec began, Unix time
 * @param skipsIdle pauses are shortened
 */
export function replayTimes(
  events: readonly StreamEvent[],
  startMs: number,
  skipsIdle: boolean,
): Float64Array {
  const times = new Float64Array(events.length);
  let before = startMs;
  let at = 0;
  events.forEach(({ ts }, index) => {
    // A clock that was set back makes no gap.
    const gap = Math.max(0, ts - before);
    at += skipsIdle ? Math.min(gap, IDLE_MS) : gap;
    times[index] = at;
    before = Math.max(before, ts);
  });
  return times;
}

/** How many of the ascending times have passed. */
export function passed(times: Float64Array, atMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where a replay that waits for nothing is after one more picture: by the next event, or a few of them where there are many. */
export function nextStep(times: Float64Array, atMs: number): number {
  const next = passed(times, atMs) + Math.max(1, Math.ceil(times.length / STEPS)) - 1;
  return times[Math.min(next, times.length - 1)] ?? atMs;
}

/** What an exec had written after so many of its events. Goes forward by what is new, and back by beginning again. */
export class ReplayOutput {
  readonly #events: readonly StreamEvent[];
  #output = new OutputLines();
  #count = 0;

  constructor(events: readonly StreamEvent[]) {
    this.#events = events;
  }

  after(count: number): OutputLines {
    if (count < this.#count) {
      this.#output = new OutputLines();
      this.#count = 0;
    }
    for (; this.#count < count; this.#count++) {
      const event = this.#events[this.#count];
      if (event !== undefined) this.#output.take(event);
    }
    return this.#output;
  }
}
