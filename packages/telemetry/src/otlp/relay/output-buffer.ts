import { CompiledChecker } from "./compiled/compiled-checker.ts";

const MIN_BYTES = 64 * 1024;
const KEEP_BYTES = 8 * 1024 * 1024;

/**
 * Room for one request after the other, so that none has to allocate its own: for a request of a few hundred spans that costs
 * more than all the rest of relaying it. What was written stays only until the next request is.
 */
export class OutputBuffer {
  #bytes: Buffer = Buffer.alloc(0);
  readonly #minBytes: number;
  readonly #keepBytes: number;
  /** Null where there can be none. Made when it is first needed, as half of those that receive telemetry never get any. */
  #checker: CompiledChecker | null | undefined;

  /**
   * @param keepBytes how much is kept between requests, default 8 MiB. A buffer that had to grow beyond it is given back.
   * @param minBytes the least to begin with, default 64 KiB. 0 for one request alone.
   */
  constructor({
    keepBytes = KEEP_BYTES,
    minBytes = MIN_BYTES,
  }: { keepBytes?: number; minBytes?: number } = {}) {
    this.#keepBytes = keepBytes;
    this.#minBytes = minBytes;
  }

  /**
   * Like {@link reserve}, in memory in which the content of a request can be checked by WebAssembly: that of its checker, as long as it
   * need not {@link grow}. Undefined where there is not so much of it, or none at all.
   */
  reserveChecked(sizeBytes: number): CompiledChecker | undefined {
    if (this.#checker === undefined) this.#checker = CompiledChecker.make() ?? null;
    if (this.#checker === null || this.#checker.bytes.length < sizeBytes) return undefined;
    this.#bytes = this.#checker.bytes;
    return this.#checker;
  }

  /** At least `sizeBytes`, of any content. */
  reserve(sizeBytes: number): Buffer {
    if (this.#bytes.length < sizeBytes || this.#bytes.length > Math.max(this.#keepBytes, sizeBytes)) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(this.#minBytes, sizeBytes));
    }
    return this.#bytes;
  }

  /** At least `sizeBytes`, beginning with the first `usedBytes` of what {@link reserve} gave last. */
  grow(sizeBytes: number, usedBytes: number): Buffer {
    if (this.#bytes.length >= sizeBytes) return this.#bytes;
    const grown = Buffer.allocUnsafeSlow(Math.max(sizeBytes, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, usedBytes);
    this.#bytes = grown;
    return grown;
  }
}
