/**
 * Bytes of a segment that were read at once. Several may hold them: the readers that they were read for, then whatever keeps records of
 * them. Where all of those say when they are done, their memory is read into again; where one does not, it is garbage like any other.
 */
export class ReadChunk {
  /** As much as was there. */
  readonly bytes: Buffer;
  readonly #giveBack: (() => void) | undefined;
  #holders: number;

  /**
   * @param holders how many will release it
   * @param giveBack called when nobody looks at the bytes any more
   */
  constructor(bytes: Buffer, holders = 1, giveBack?: () => void) {
    this.bytes = bytes;
    this.#holders = holders;
    this.#giveBack = giveBack;
  }

  /** One more will release it. */
  hold(): void {
    this.#holders += 1;
  }

  /** One that held it looks at none of its bytes any more. Once for each. */
  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#giveBack?.();
  }
}
