import { crc32 } from "node:zlib";
import type { Checkpoint } from "../../delivery/exporter.ts";

/** How many bytes before its end a file is known by. */
export const TAIL_BYTES = 64;

/**
 * How far a file is committed, and which file that is. The inode finds it after a rename, but numbers are given again once a file
 * is removed, and change when a directory moves to another disk: what proves a file is what stands before `length`.
 */
export interface FileMark {
  /** Absolute, links followed. */
  readonly path: string;
  /** Decimal; some file systems use all 64 bits. */
  readonly ino: string;
  /** Bytes; always the end of a line. */
  readonly length: number;
  /** CRC-32 of the last {@link TAIL_BYTES} bytes before `length`, or of all where there are fewer. */
  readonly tail: number;
}

export function encodeMark({ path, ino, length, tail }: FileMark): Checkpoint {
  return { path, ino, length, tail };
}

/** Undefined for what is no mark. */
export function decodeMark(checkpoint: Checkpoint | undefined): FileMark | undefined {
  if (checkpoint === undefined) return undefined;
  const { path, ino, length, tail } = checkpoint;
  const isMark =
    typeof path === "string" &&
    typeof ino === "string" &&
    typeof tail === "number" &&
    Number.isSafeInteger(length) &&
    (length as number) >= 0;
  return isMark ? { path, ino, length: length as number, tail } : undefined;
}

/** @param tail at most {@link TAIL_BYTES} bytes */
export function sumOf(tail: Buffer): number {
  return crc32(tail);
}
