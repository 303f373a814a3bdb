import type { Writable } from "node:stream";

/** What may wait for a slow reader of stdout before lines are dropped. */
const MAX_WAITING_CHARS = 4 * 1024 * 1024;

/**
 * Lines are written together this often: a system call for each would be a good part of what recording a cell costs, and making each when
 * its event is committed another, which whoever waits for the event would wait for.
 */
const GATHER_MS = 20;
/** Where more come together than that, they are made at once. */
const MAX_UNMADE = 1000;

/**
 * Log lines on their way out. A reader of stdout that is slow, stopped or gone never holds the daemon up: what it does not take
 * waits up to a bound, then is dropped, and the number of dropped lines is said when there is room again.
 */
export class LogLines {
  readonly #out: Writable;
  readonly #describeDrop: (count: number) => string;
  #unmade: (() => string)[] = [];
  #waiting = "";
  #isBlocked = false;
  #isGone = false;
  #isScheduled = false;
  #unsaidDrops = 0;
  /** Lines dropped so far. */
  dropped = 0;

  /**
   * @param out a stream that does not block where it is a pipe, as Node's stdout
   * @param describeDrop the line that says how many were dropped
   */
  constructor(out: Writable, describeDrop: (count: number) => string) {
    this.#out = out;
    this.#describeDrop = describeDrop;
    out.on("drain", () => {
      this.#isBlocked = false;
      this.#flush();
    });
    // Nobody reads any more (EPIPE): the daemon has other work to do than to log.
    out.on("error", () => {
      this.#isGone = true;
      this.#unmade = [];
      this.#waiting = "";
    });
  }

  /** @param make gives the line without its newline; called a moment later, in the order of the lines */
  write(make: () => string): void {
    if (this.#isGone) return this.#drop();
    this.#unmade.push(make);
    if (this.#unmade.length >= MAX_UNMADE) this.#make();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setTimeout(() => {
      this.#isScheduled = false;
      this.#flush();
    }, GATHER_MS);
  }

  /** Resolves when everything is written, or after `deadlineMs`, for a reader that takes nothing. */
  async drain(deadlineMs: number): Promise<void> {
    const { promise: expired, resolve: expire } = Promise.withResolvers<"expired">();
    const timer = setTimeout(() => expire("expired"), deadlineMs);
    for (;;) {
      this.#flush();
      if (this.#isGone || (this.#waiting === "" && this.#out.writableLength === 0)) break;
      // An empty write is called back when all before it has been handed to the system.
      const written = new Promise<void>((resolve) => this.#out.write("", () => resolve()));
      if ((await Promise.race([written, expired])) === "expired") break;
    }
    clearTimeout(timer);
  }

  #make(): void {
    const unmade = this.#unmade;
    this.#unmade = [];
    for (const make of unmade) {
      const line = make();
      if (this.#waiting.length + line.length > MAX_WAITING_CHARS) this.#drop();
      else this.#waiting += `${line}\n`;
    }
  }

  #drop(): void {
    this.dropped++;
    this.#unsaidDrops++;
  }

  #flush(): void {
    this.#make();
    if (this.#isBlocked || this.#isGone || this.#waiting === "") return;
    let text = this.#waiting;
    this.#waiting = "";
    if (this.#unsaidDrops > 0) {
      text += `${this.#describeDrop(this.#unsaidDrops)}\n`;
      this.#unsaidDrops = 0;
    }
    this.#isBlocked = !this.#out.write(text);
  }
}
