import { type OutputRecord, recordLine } from "./record.ts";

/** What a record costs in memory beside its payload. */
const RECORD_COST_BYTES = 256;
const BLOCK_CHARS = 32 * 1024;

/** Lines as they are sent: a block of text and where it leads. */
export interface Block {
  text: string;
  /** The seq behind the block. */
  next: number;
  /** Of payload. */
  bytes: number;
}

/** The latest records of an exec, kept in memory for those who follow; whoever is further behind reads the segment. */
export class RecentRecords {
  readonly #maxBytes: number;
  #records: OutputRecord[] = [];
  #bytes = 0;
  /** The seq of the oldest record here. */
  from = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(record: OutputRecord): void {
    this.#records.push(record);
    this.#bytes += record.payload.length + RECORD_COST_BYTES;
    // Down to half at once, so that it is not done for every record.
    if (this.#bytes > this.#maxBytes) this.trim(this.#maxBytes / 2);
  }

  /** What they cost in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** As many records from `seq` on as make a block. */
  block(seq: number): Block {
    const block = { text: "", next: seq, bytes: 0 };
    for (let i = seq - this.from; i < this.#records.length && block.text.length < BLOCK_CHARS; i++) {
      const record = this.#records[i] as OutputRecord;
      block.text += recordLine(record);
      block.bytes += record.payload.length;
      block.next = record.seq + 1;
    }
    return block;
  }

  /** Lets go of the oldest until `toBytes` are left, and the last record in any case. */
  trim(toBytes: number): void {
    let old = 0;
    while (this.#bytes > toBytes && old < this.#records.length - 1) {
      this.#bytes -= (this.#records[old]?.payload.length ?? 0) + RECORD_COST_BYTES;
      old++;
    }
    this.#records = this.#records.slice(old);
    this.from += old;
  }
}
