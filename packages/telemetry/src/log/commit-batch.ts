import { SandglassError } from "@sandglass/protocol";
import { FRAME_HEADER_BYTES, MAX_PAYLOAD_BYTES, sealFrame, sealFrameBefore } from "./frame.ts";
import type { Segment } from "./segment.ts";

const INITIAL_BYTES = 256 * 1024;
/** A batch this large is written without waiting for the end of the tick. */
export const FULL_BATCH_BYTES = 1024 * 1024;
/** A payload from this size on is written at once, from where it lies: copying it would take longer than a system call. */
export const DIRECT_BYTES = 32 * 1024;

/** The records of one write: they become readable together or are refused together, and share one promise. */
export class Batch {
  readonly first: number;
  count = 0;
  /** Where it was written. */
  segment: Segment | undefined;
  /** Of the segment, where the batch begins. */
  startOffset = 0;
  /** Of the segment, behind the batch. */
  endOffset = 0;
  readonly committed: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;

  constructor(first: number) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.first = first;
    this.committed = promise;
    this.resolve = resolve;
    this.reject = reject;
    // A refusal is reported by the log; an emitter that does not wait for its event must not end the process.
    promise.catch(() => undefined);
  }
}

/** Frames waiting to be written, encoded where they wait: one growing buffer, used again and again. */
export class FrameBuffer {
  bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  length = 0;
  readonly #seed: number;

  /** @param seed of the log's checksums */
  constructor(seed = 0) {
    this.#seed = seed;
  }

  /** Throws PAYLOAD_TOO_LARGE above 16 MiB. */
  push(payload: string | Uint8Array, position: number, head?: Uint8Array): void {
    const isText = typeof payload === "string";
    // The cheap upper bound is exact enough to grow by; the exact count is taken where the bound is over the limit.
    const headLength = head?.length ?? 0;
    let maxLength = headLength + (isText ? payload.length * 3 : payload.length);
    if (maxLength > MAX_PAYLOAD_BYTES) {
      maxLength = headLength + (isText ? Buffer.byteLength(payload) : payload.length);
      if (maxLength > MAX_PAYLOAD_BYTES) throw tooLarge(maxLength);
    }
    this.#reserve(FRAME_HEADER_BYTES + maxLength);
    const start = this.length + FRAME_HEADER_BYTES;
    if (head) this.bytes.set(head, start);
    let length = maxLength;
    if (isText) length = headLength + this.bytes.write(payload, start + headLength, "utf8");
    else this.bytes.set(payload, start + headLength);
    sealFrame(this.bytes, this.length, length, position, this.#seed);
    this.length = start + length;
  }

  /** The frame of a payload that is written behind it, and not copied here. Throws PAYLOAD_TOO_LARGE above 16 MiB. */
  pushBefore(payload: Uint8Array, position: number, head: Uint8Array | undefined): void {
    const headLength = head?.length ?? 0;
    if (headLength + payload.length > MAX_PAYLOAD_BYTES) throw tooLarge(headLength + payload.length);
    this.#reserve(FRAME_HEADER_BYTES + headLength);
    if (head) this.bytes.set(head, this.length + FRAME_HEADER_BYTES);
    sealFrameBefore(this.bytes, this.length, headLength, payload, position, this.#seed);
    this.length += FRAME_HEADER_BYTES + headLength;
  }

  /** Forgets what was written; gives back what one large record made it grow to. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length > 4 * FULL_BATCH_BYTES) this.bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  }

  #reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}

function tooLarge(bytes: number): SandglassError {
  return new SandglassError("PAYLOAD_TOO_LARGE", `a record of ${bytes} bytes; at most ${MAX_PAYLOAD_BYTES}`);
}
