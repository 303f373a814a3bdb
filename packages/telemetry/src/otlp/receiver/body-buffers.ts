const SMALLEST_BYTES = 64 * 1024;
const LARGEST_BYTES = 1024 * 1024;
const CLASSES = Math.log2(LARGEST_BYTES / SMALLEST_BYTES) + 1;
/** Kept of each size. */
const KEPT = 8;

/** Memory for bodies that come in pieces, used again and again: allocating it for each is a tenth of what receiving costs. */
export class BodyBuffers {
  readonly #free: Buffer[][] = Array.from({ length: CLASSES }, () => []);

  /** Of at least that size, with anything in it. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes > LARGEST_BYTES) return Buffer.allocUnsafeSlow(sizeBytes);
    const index = classOf(sizeBytes);
    return this.#free[index]!.pop() ?? Buffer.allocUnsafeSlow(SMALLEST_BYTES << index);
  }

  /** Once nobody reads it any more. */
  give(buffer: Buffer): void {
    if (buffer.length > LARGEST_BYTES) return;
    const free = this.#free[classOf(buffer.length)]!;
    if (free.length < KEPT) free.push(buffer);
  }
}

function classOf(sizeBytes: number): number {
  return sizeBytes <= SMALLEST_BYTES ? 0 : 32 - Math.clz32((sizeBytes - 1) >>> 16);
}
