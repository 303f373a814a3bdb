/** Of all answers together. One message is a few MiB at most. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

/**
 * What clients have been answered and have not taken yet. A session's messages do not wait for their reader, since a call goes on whoever
 * listens; so what lies unread has a limit, and where it is reached the answer goes whose reader has been behind for longest. Its client
 * can pick the stream up again with `Last-Event-ID`.
 */
export class UnreadAnswers {
  readonly #maxBytes: number;
  /** In the order in which their readers fell behind. */
  readonly #behind = new Map<() => void, number>();
  #bytes = 0;

  constructor(maxBytes: number = MAX_UNREAD_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** @param cut ends the answer, where it is its turn; also its name here */
  add(cut: () => void, bytes: number): void {
    this.#bytes += bytes;
    this.#behind.set(cut, (this.#behind.get(cut) ?? 0) + bytes);
    for (const [slowest] of this.#behind) {
      if (this.#bytes <= this.#maxBytes) return;
      this.forget(slowest);
      slowest();
    }
  }

  /** Its reader has taken these. */
  take(cut: () => void, bytes: number): void {
    const before = this.#behind.get(cut);
    if (before === undefined) return;
    this.#bytes -= bytes;
    if (before > bytes) this.#behind.set(cut, before - bytes);
    else this.#behind.delete(cut);
  }

  /** The answer is over. */
  forget(cut: () => void): void {
    this.#bytes -= this.#behind.get(cut) ?? 0;
    this.#behind.delete(cut);
  }
}
