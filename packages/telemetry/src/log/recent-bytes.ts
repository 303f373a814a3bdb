/**
 * The end of the segment that is being written, in memory: readers that keep up have it from here instead of from the file, where each
 * of them would read it by another thread and take its checksums again. A ring, whose memory is taken when something is first kept. Where all
 * readers are further behind than it reaches, nothing is kept until one of them comes near.
 */
export class RecentBytes {
  readonly #capacity: number;
  #ring: Buffer = Buffer.alloc(0);
  /** Offsets of the segment: what is kept begins and ends there. */
  #from = 0;
  #to = 0;
  /** Kept since anything was read here. */
  #unread = 0;

  /** @param capacity bytes that are kept at most */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Forgets everything: another segment is begun. */
  clear(): void {
    this.#from = 0;
    this.#to = 0;
  }

  /** Keeps the first `length` of `bytes`, which stand at `offset` of the segment now. */
  keep(bytes: Uint8Array, length: number, offset: number): void {
    if (offset !== this.#to) this.#from = offset;
    this.#to = offset + length;
    this.#unread += length;
    if (length > this.#capacity || this.#unread > 2 * this.#capacity) {
      this.#from = this.#to;
      return;
    }
    if (this.#ring.length === 0) this.#ring = Buffer.allocUnsafeSlow(this.#capacity);
    const at = offset % this.#capacity;
    const first = Math.min(length, this.#capacity - at);
    this.#ring.set(bytes.subarray(0, first), at);
    if (first < length) this.#ring.set(bytes.subarray(first, length), 0);
    this.#from = Math.max(this.#from, this.#to - this.#capacity);
  }

  /** A copy of `length` bytes from `offset` on. Undefined where not all of them are here. */
  read(offset: number, length: number): Buffer | undefined {
    if (this.#to - offset < this.#capacity / 2) this.#unread = 0;
    if (offset < this.#from || offset + length > this.#to) return undefined;
    this.#unread = 0;
    const copy = Buffer.allocUnsafeSlow(length);
    const at = offset % this.#capacity;
    const first = Math.min(length, this.#capacity - at);
    copy.set(this.#ring.subarray(at, at + first));
    if (first < length) copy.set(this.#ring.subarray(0, length - first), first);
    return copy;
  }
}
