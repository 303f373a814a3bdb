const TAIL_BYTES = 4096;
const NOTHING: Buffer = Buffer.alloc(0);

/** The last 4 KiB of a stream. */
export class TailBytes {
  #bytes = NOTHING;
  #length = 0;

  push(bytes: Buffer): void {
    // Not of Node's pool: it is kept for as long as the exec runs.
    if (this.#bytes.length === 0) this.#bytes = Buffer.allocUnsafeSlow(TAIL_BYTES);
    const taken = Math.min(bytes.length, TAIL_BYTES);
    const excess = Math.max(0, this.#length + taken - TAIL_BYTES);
    this.#bytes.copyWithin(0, excess, this.#length);
    this.#length += taken - excess;
    bytes.copy(this.#bytes, this.#length - taken, bytes.length - taken);
  }

  /** Lets go of it. */
  clear(): void {
    this.#bytes = NOTHING;
    this.#length = 0;
  }

  toString(): string {
    return this.#bytes.toString("utf8", 0, this.#length);
  }
}
