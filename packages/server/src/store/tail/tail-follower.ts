import { LogFilter } from "./log-filter.ts";
import type { TailEntry, TailFilter, TailReport } from "./messages.ts";

/** What waits for one follower; beyond it the oldest go, and it is told how many. */
const MAX_WAITING_CHARS = 1024 * 1024;
const MAX_WAITING_LINES = 5_000;
/** Of one report, about. */
const BLOCK_CHARS = 64 * 1024;

/** One client that follows log records: gets a block when it has taken the one before. */
export class TailFollower {
  readonly filter: LogFilter;
  readonly #id: number;
  readonly #report: (report: TailReport) => void;
  readonly #waiting: string[] = [];
  #waitingChars = 0;
  #missed = 0;
  #isTaking = false;

  constructor(id: number, filter: TailFilter, report: (report: TailReport) => void) {
    this.filter = new LogFilter(filter);
    this.#id = id;
    this.#report = report;
  }

  offer(entry: TailEntry): void {
    if (!this.filter.wants(entry)) return;
    this.#waiting.push(entry.line);
    this.#waitingChars += entry.line.length;
    while (this.#waitingChars > MAX_WAITING_CHARS || this.#waiting.length > MAX_WAITING_LINES) {
      this.#waitingChars -= this.#waiting.shift()?.length ?? 0;
      this.#missed += 1;
    }
  }

  /** Sends what waits, where the follower takes it. */
  flush(): void {
    if (this.#isTaking || (this.#waiting.length === 0 && this.#missed === 0)) return;
    let lines = this.#missed > 0 ? `${JSON.stringify({ type: "gap", missed: this.#missed })}\n` : "";
    this.#missed = 0;
    let count = 0;
    while (count < this.#waiting.length && lines.length < BLOCK_CHARS) lines += this.#waiting[count++];
    this.#waitingChars -= this.#waiting.splice(0, count).reduce((sum, { length }) => sum + length, 0);
    this.#isTaking = true;
    this.#report({ follower: this.#id, lines });
  }

  taken(): void {
    this.#isTaking = false;
    this.flush();
  }
}
