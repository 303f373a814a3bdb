/** A browser that is signed in, from its sign-in to its end. */
export class Session {
  /** Of the key's secret: the session is worth what that is worth now. */
  readonly keyDigest: string;
  readonly pageDigest: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  readonly #holders = new Set<() => void>();
  #isOver = false;

  constructor({ keyDigest, pageDigest, expiresAt }: Pick<Session, "keyDigest" | "pageDigest" | "expiresAt">) {
    this.keyDigest = keyDigest;
    this.pageDigest = pageDigest;
    this.expiresAt = expiresAt;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Calls `cut`, at most once, when the session ends. Returns what to call when that has ended itself. */
  hold(cut: () => void): () => void {
    if (this.#isOver) {
      cut();
      return () => undefined;
    }
    this.#holders.add(cut);
    return () => this.#holders.delete(cut);
  }

  /** Cuts what was begun in it. */
  end(): void {
    this.#isOver = true;
    const holders = [...this.#holders];
    this.#holders.clear();
    for (const cut of holders) cut();
  }
}
