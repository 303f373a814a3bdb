/** Of a power of two, at most half full. */
const PLACES = 4096;
export const MAX_NAMES: number = PLACES / 2;

/**
 * Words of the code, as names of fields are, as numbers: each gets the next when it is met first. Finds one by its bytes, without
 * making a string of them. The words are few; what comes when the table is full has no number.
 */
export class NameTable {
  readonly #names: string[] = [];
  /** As they stand in JSON, with their quotes. */
  readonly #quoted: Buffer[] = [];
  /** Numbers plus one; 0 is a free place. */
  readonly #places = new Uint16Array(PLACES);
  /** By a number plus one (0 is the beginning of an object), alike: what came behind it last. */
  readonly #followers = new Uint16Array(MAX_NAMES + 1);
  readonly #onAdd: ((name: string, index: number) => void) | undefined;

  /** @param onAdd told of each name when it is met first */
  constructor(onAdd?: (name: string, index: number) => void) {
    this.#onAdd = onAdd;
  }

  nameAt(index: number): string {
    return this.#names[index]!;
  }

  /** A name as it stands in JSON, with its quotes. */
  quotedAt(index: number): Buffer {
    return this.#quoted[index]!;
  }

  /** How many bytes a name is in JSON, with its quotes. */
  lengthOf(index: number): number {
    return this.#quoted[index]!.length;
  }

  /** The number of the name from one quote to the other, `end` behind it; -1 where the table is full. */
  find(bytes: Buffer, start: number, end: number): number {
    let hash = 0;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
    for (let place = hash & (PLACES - 1); ; place = (place + 1) & (PLACES - 1)) {
      const index = this.#places[place]! - 1;
      if (index === -1) return this.#add(place, bytes, start, end);
      if (isAt(this.#quoted[index]!, bytes, start)) return index;
    }
  }

  /**
   * The number of the name whose quote stands at `start` if it is the one that came behind `previous` the last time, else -1. Objects
   * of one kind have their names in one order, so that it mostly is.
   *
   * @param previous -1 at the beginning of an object
   */
  findNext(previous: number, bytes: Buffer, start: number): number {
    const index = this.#followers[previous + 1]! - 1;
    return index !== -1 && isAt(this.#quoted[index]!, bytes, start) ? index : -1;
  }

  /** Keeps for {@link NameTable.findNext} what came behind `previous`. */
  expectNext(previous: number, index: number): void {
    this.#followers[previous + 1] = index + 1;
  }

  #add(place: number, bytes: Buffer, start: number, end: number): number {
    const index = this.#names.length;
    if (index === MAX_NAMES) return -1;
    const name: string = JSON.parse(bytes.toString("utf8", start, end));
    this.#names.push(name);
    // A copy: the bytes of the log are not to be kept for it.
    this.#quoted.push(Buffer.from(bytes.subarray(start, end)));
    this.#places[place] = index + 1;
    this.#onAdd?.(name, index);
    return index;
  }
}

/** With both of its quotes a name is no part of another. */
function isAt(quoted: Buffer, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < quoted.length; index++) {
    if (quoted[index] !== bytes[start + index]) return false;
  }
  return true;
}
