import { ProtoWriter } from "./proto-writer.ts";

/** To begin with. */
const ATTRIBUTES = 64;

/** Memory that someone else may write attributes to. */
export interface AttributeMemory {
  readonly bytes: Buffer;
  /** Where each begins, by the attribute: that is where its tag is. */
  readonly starts: Int32Array;
  readonly marks: Uint8Array;
}

/** Attributes that were encoded once, to be told by more than one message, each under a tag of its own. */
export class AttributeBlock {
  readonly #shared: AttributeMemory | undefined;
  #writer: ProtoWriter;
  #starts: Int32Array;
  #isMarked: Uint8Array;
  #count = 0;

  /** @param shared what to write to for as long as there is room */
  constructor(shared?: AttributeMemory) {
    this.#shared = shared;
    this.#writer = new ProtoWriter(shared?.bytes ?? 4096);
    this.#starts = shared?.starts ?? new Int32Array(ATTRIBUTES);
    this.#isMarked = shared?.marks ?? new Uint8Array(ATTRIBUTES);
  }

  /** What attributes are written to, one after another; see {@link AttributeBlock.begin}. */
  get writer(): ProtoWriter {
    return this.#writer;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether all of it is in the memory that it shares. */
  get isShared(): boolean {
    return this.#starts === this.#shared?.starts && this.#writer.buffer === this.#shared.bytes;
  }

  /** Takes what was written to the shared memory: so many attributes, and so many bytes. */
  adopt(count: number, bytes: number): void {
    const shared = this.#shared;
    if (shared !== undefined && !this.isShared) {
      this.#writer = new ProtoWriter(shared.bytes);
      this.#starts = shared.starts;
      this.#isMarked = shared.marks;
    }
    this.#writer.advance(bytes);
    this.#count = count;
  }

  clear(): void {
    this.#writer.clear();
    this.#count = 0;
  }

  /** To be called before each attribute that is written. @param isMarked to be left out of {@link AttributeBlock.unmarked} */
  begin(isMarked: boolean): void {
    const index = this.#count++;
    if (index === this.#starts.length) this.#grow();
    this.#starts[index] = this.#writer.length;
    this.#isMarked[index] = isMarked ? 1 : 0;
  }

  /** Writes all of them under a tag. */
  copyTo(target: ProtoWriter, listTag: number): void {
    const { length, buffer: source } = this.#writer;
    const at = target.reserve(length);
    const { buffer } = target;
    source.copy(buffer, at, 0, length);
    for (let index = 0; index < this.#count; index++) buffer[at + this.#starts[index]!] = listTag;
    target.advance(at + length);
  }

  /** Those that are not marked, with the tags that they were written with. */
  unmarked(): Uint8Array {
    const { length, buffer } = this.#writer;
    const kept = new ProtoWriter();
    for (let index = 0; index < this.#count; index++) {
      const end = index + 1 < this.#count ? this.#starts[index + 1] : length;
      if (this.#isMarked[index] === 0) kept.raw(buffer.subarray(this.#starts[index], end));
    }
    // Without the rest of the writer's memory.
    return new Uint8Array(kept.finish());
  }

  #grow(): void {
    const starts = new Int32Array(this.#starts.length * 2);
    const isMarked = new Uint8Array(starts.length);
    starts.set(this.#starts);
    isMarked.set(this.#isMarked);
    this.#starts = starts;
    this.#isMarked = isMarked;
  }
}
