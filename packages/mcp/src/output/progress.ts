/** Sends one `notifications/progress`. */
export type SendProgress = (progress: number, message: string) => Promise<void>;

/** What one notification carries at most; of more that came meanwhile the end is sent. */
const MAX_MESSAGE_CHARS = 4096;
/** Notifications are at least so far apart: a model's client shows them to somebody. */
const INTERVAL_MS = 50;

/**
 * Streams the output of a call to a client that asked for it, as progress notifications: `progress` is the bytes so far, `message`
 * what was written since the one before. Never holds the process back: where the client is slow, the middle is left out.
 */
export class ProgressStream {
  readonly #send: SendProgress | undefined;
  #pending = "";
  #omitted = 0;
  #bytes = 0;
  #sentBytes = 0;
  #sending: Promise<void> | undefined;

  /** @param send undefined where the client did not ask */
  constructor(send: SendProgress | undefined) {
    this.#send = send;
  }

  add(text: string): void {
    if (this.#send === undefined || text === "") return;
    this.#bytes += Buffer.byteLength(text);
    this.#pending += text;
    if (this.#pending.length > MAX_MESSAGE_CHARS) {
      const cut = this.#pending.length - MAX_MESSAGE_CHARS;
      this.#omitted += cut;
      this.#pending = this.#pending.slice(cut);
    }
    this.#sending ??= this.#drain(this.#send);
  }

  /** Resolves when all that was added is sent. */
  async end(): Promise<void> {
    await this.#sending;
  }

  async #drain(send: SendProgress): Promise<void> {
    try {
      while (this.#pending !== "") {
        const message = this.#omitted > 0 ? `… [${this.#omitted} left out] …${this.#pending}` : this.#pending;
        this.#pending = "";
        this.#omitted = 0;
        // It has to grow with each notification.
        this.#sentBytes = Math.max(this.#bytes, this.#sentBytes + 1);
        await send(this.#sentBytes, message);
        await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
      }
    } catch {
      // Whoever asked has gone: the result says it all once more.
      this.#pending = "";
    } finally {
      this.#sending = undefined;
    }
  }
}
