import { Session } from "node:inspector";

interface Taken {
  result: {
    scriptId: string;
    url: string;
    functions: { ranges: { startOffset: number; endOffset: number; count: number }[] }[];
  }[];
}

/** Which code has run, to the block, by V8's own count. Code that is watched runs slower. */
export class CoveredCode {
  readonly #session = new Session();
  readonly #watched: readonly string[];
  /** By script, for every character of its source whether it ever ran. */
  readonly #ran = new Map<string, Uint8Array>();
  #last: { script: string; at: number }[] = [];

  /** @param watched parts of the paths of the files to watch */
  constructor(watched: readonly string[]) {
    this.#watched = watched;
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Characters of source that ran, since it was last asked, for the first time. Takes about a millisecond. */
  news(): number {
    this.#last = [];
    // A session to the own thread answers before `post` returns.
    this.#session.post("Profiler.takePreciseCoverage", (error, taken) => {
      if (error) throw error;
      for (const { scriptId, url, functions } of (taken as Taken).result) {
        if (this.#watched.some((part) => url.includes(part))) this.#learn(scriptId, functions);
      }
    });
    return this.#last.length;
  }

  /** What {@link news} last found is news again. */
  forgetNews(): void {
    for (const { script, at } of this.#last) (this.#ran.get(script) as Uint8Array)[at] = 0;
  }

  get characters(): number {
    let sum = 0;
    for (const ran of this.#ran.values()) for (const character of ran) sum += character;
    return sum;
  }

  /** Blocks are told from the outside in: what is inside may have run less often than what is around it. */
  #learn(script: string, functions: Taken["result"][number]["functions"]): void {
    const ranges = functions.flatMap((called) => called.ranges);
    const length = Math.max(0, ...ranges.map(({ endOffset }) => endOffset));
    const now = new Uint8Array(length);
    for (const { startOffset, endOffset, count } of ranges)
      now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    const known = this.#ran.get(script);
    const ran = known !== undefined && known.length >= length ? known : new Uint8Array(length);
    if (known !== undefined && known !== ran) ran.set(known);
    this.#ran.set(script, ran);
    for (let at = 0; at < length; at++) {
      if (now[at] === 0 || ran[at] === 1) continue;
      ran[at] = 1;
      this.#last.push({ script, at });
    }
  }

  close(): void {
    this.#session.disconnect();
  }
}
