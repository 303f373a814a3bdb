import type { Block } from "./recent-records.ts";
import { recordLine } from "./record.ts";
import { readRecords } from "./segment-reader.ts";

const INDEX_EVERY = 64;
const BLOCK_BYTES = 128 * 1024;

/** The output of an exec that is over. */
export interface EndedOutput {
  /** What it costs beside what is on disk. */
  readonly memoryBytes: number;
  /** See `ExecHandle.lines`. */
  lines(options?: { after?: number; signal?: AbortSignal }): AsyncIterable<string>;
}

/** Where the lines of one exec are in its sandbox's segment: all that is needed of it once nothing more comes. */
export class KeptOutput {
  readonly #execId: string;
  readonly #path: () => string;
  readonly #index: number[] = []; // where every 64th record of this exec begins

  /** @param path of the segment, asked for at each reading */
  constructor(execId: string, path: () => string) {
    this.#execId = execId;
    this.#path = path;
  }

  /** Where the next record begins. Every one is to be noted. */
  note(seq: number, offset: number): void {
    if (seq % INDEX_EVERY === 0) this.#index.push(offset);
  }

  /** The lines before `until`, which are all. */
  upTo(until: number): EndedOutput {
    const read = this.read.bind(this);
    return {
      memoryBytes: 0,
      async *lines({ after = -1, signal } = {}) {
        if (after + 1 >= until) return;
        for await (const { text } of read(after + 1, until, signal)) yield text;
      },
    };
  }

  /**
   * Lines from `seq` on to the one before `until`.
   *
   * @throws Error where the segment is gone, or has nothing of them
   */
  async *read(seq: number, until: number, signal: AbortSignal | undefined): AsyncGenerator<Block> {
    const offset = this.#index[Math.floor(seq / INDEX_EVERY)] as number;
    let block = { text: "", next: seq, bytes: 0 };
    for await (const { record } of readRecords(this.#path(), offset)) {
      if (record.execId !== this.#execId || record.seq < seq) continue;
      if (signal?.aborted === true) return;
      if (record.seq >= until) break;
      block = {
        text: block.text + recordLine(record),
        next: record.seq + 1,
        bytes: block.bytes + record.payload.length,
      };
      if (block.text.length < BLOCK_BYTES) continue;
      yield block;
      block = { text: "", next: block.next, bytes: 0 };
    }
    if (block.text.length > 0) yield block;
    else if (block.next === seq) throw new Error(`the output segment ends before line ${seq}`);
  }
}
