/** Parts of a buffer, in its order. Neighbours become one, so that what is kept whole is copied at once. */
export class ByteRanges {
  /** Begin and end of each, in turns. */
  readonly #edges: number[] = [];
  #sizeBytes = 0;

  get count(): number {
    return this.#edges.length / 2;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(start: number, end: number): void {
    const edges = this.#edges;
    if (edges.length > 0 && edges[edges.length - 1] === start) edges[edges.length - 1] = end;
    else edges.push(start, end);
    this.#sizeBytes += end - start;
  }

  clear(): void {
    this.#edges.length = 0;
    this.#sizeBytes = 0;
  }

  /** Whether it is so for each. */
  every(predicate: (start: number, end: number) => boolean): boolean {
    const edges = this.#edges;
    for (let index = 0; index < edges.length; index += 2) {
      if (!predicate(edges[index]!, edges[index + 1]!)) return false;
    }
    return true;
  }

  /** Copies them one behind the other. @returns where the copy ends */
  copy(from: Uint8Array, into: Uint8Array, at: number): number {
    const edges = this.#edges;
    let end = at;
    for (let index = 0; index < edges.length; index += 2) {
      const start = edges[index]!;
      const stop = edges[index + 1]!;
      into.set(from.subarray(start, stop), end);
      end += stop - start;
    }
    return end;
  }
}
