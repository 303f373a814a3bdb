import type { Seeded } from "../../packages/testkit/src/seeded.ts";

/** A parser of bytes that someone hostile chose, and what must be true of it whatever they are. */
export interface FuzzTarget {
  readonly name: string;
  /** Parts of the paths of the files whose code guides the search. */
  readonly watched: readonly string[];
  /** What its language is made of: put into inputs as it is. */
  readonly words: readonly (string | Uint8Array)[];
  /** To begin with, beside what the corpus keeps. */
  readonly seeds: readonly (string | Uint8Array)[];
  /**
   * Has it parsed.
   *
   * @returns what came of it, in short: an input whose outcome no other had is kept
   * @throws whatever breaks a promise
   */
  check(input: Buffer): string | Promise<string>;
  /** Makes another input of one, with parts of `other`, where it knows better how than chance does. */
  change?(given: Buffer, other: Buffer, random: Seeded): Buffer;
  /** Makes lengths or sums right again, which chance would not. */
  mend?(input: Buffer): Buffer;
  /** Lets go of what it needed. */
  close?(): Promise<void>;
}

/** Bytes of an input or a word. */
export function bytesOf(given: string | Uint8Array): Buffer {
  return typeof given === "string" ? Buffer.from(given) : Buffer.from(given);
}
