/** Something that is made once, when it is first asked for. A making that failed is tried again by whoever asks next. */
export class RetriedPromise<T> {
  #promise: Promise<T> | undefined;

  /** @param make called where there is nothing yet, and nothing under way */
  get(make: () => Promise<T>): Promise<T> {
    this.#promise ??= make();
    const promise = this.#promise;
    promise.catch(() => this.forget(promise));
    return promise;
  }

  /** What there is, or is under way; undefined where nobody asked yet. */
  peek(): Promise<T> | undefined {
    return this.#promise;
  }

  /** Makes it anew the next time. @param promise only where it is still this one */
  forget(promise: Promise<T> | undefined = this.#promise): void {
    if (this.#promise === promise) this.#promise = undefined;
  }
}
