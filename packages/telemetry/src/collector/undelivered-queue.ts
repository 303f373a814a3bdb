/** Requests that are released together: what is delivered is noticed that much later. */
const BLOCK_RECORDS = 64;

interface Block {
  last: number;
  records: number;
  readonly bytes: Map<string, number>;
}

/** Whose bytes stand where in the log, so that they can be given back in its order. */
export class UndeliveredQueue {
  readonly #blocks: Block[] = [];
  /** Those before it were released. */
  #first = 0;

  /** @param position behind that of every call before */
  add(position: number, sender: string, bytes: number): void {
    let block = this.#blocks.at(-1);
    if (block === undefined || this.#first === this.#blocks.length || block.records === BLOCK_RECORDS) {
      block = { last: position, records: 0, bytes: new Map() };
      this.#blocks.push(block);
    }
    block.last = position;
    block.records += 1;
    block.bytes.set(sender, (block.bytes.get(sender) ?? 0) + bytes);
  }

  /** Gives back what stands before `position`. */
  release(position: number, giveBack: (sender: string, bytes: number) => void): void {
    for (let block = this.#blocks[this.#first]; block !== undefined && block.last < position; ) {
      for (const [sender, bytes] of block.bytes) giveBack(sender, bytes);
      block = this.#blocks[++this.#first];
    }
    if (this.#first > this.#blocks.length / 2) {
      this.#blocks.splice(0, this.#first);
      this.#first = 0;
    }
  }
}
