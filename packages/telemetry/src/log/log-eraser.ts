import { closeSync, fsyncSync, openSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { LogWriter } from "./log-writer.ts";
import { type Erased, rewriteSegment } from "./rewrite-segment.ts";
import type { Segment } from "./segment.ts";

/** Behind the name of a segment's file: the one that is to take its place. One that a crash left is removed at the next start. */
export const ERASING_SUFFIX = ".erasing";

export interface EraserParts {
  dir: string;
  segments: readonly Segment[];
  writer: LogWriter;
  seed: number;
  /** Readers look again. */
  changed(): void;
}

/**
 * Deletes records of the log: each becomes a tombstone of the same length, so that no position, offset or cursor moves. The segment's
 * file is replaced whole, so that a crash leaves the one before or the new one.
 */
export class LogEraser {
  readonly #parts: EraserParts;
  #erasing: Promise<unknown> = Promise.resolve();

  constructor(parts: EraserParts) {
    this.#parts = parts;
  }

  /** One at a time. */
  erase(notes: ReadonlyMap<number, Uint8Array>): Promise<Erased> {
    const erased = this.#erasing.then(() => this.#erase(notes));
    this.#erasing = erased.catch(() => undefined); // the caller has the error; the next one does not depend on it
    return erased;
  }

  async #erase(notes: ReadonlyMap<number, Uint8Array>): Promise<Erased> {
    const { segments, writer } = this.#parts;
    const total = { records: 0, bytes: 0 };
    if (notes.size === 0) return total;
    const active = segments.at(-1)!;
    if (notes.keys().some((position) => position >= active.firstPosition)) await writer.roll();
    const bySegment = new Map<Segment, Map<number, Uint8Array>>();
    for (const [position, note] of notes) {
      const segment = segments.findLast(({ firstPosition }) => firstPosition <= position);
      if (segment === undefined) continue;
      const own = bySegment.get(segment) ?? new Map<number, Uint8Array>();
      bySegment.set(segment, own.set(position, note));
    }
    for (const [segment, own] of bySegment) {
      const { records, bytes } = await this.#replace(segment, own);
      total.records += records;
      total.bytes += bytes;
    }
    return total;
  }

  async #replace(segment: Segment, notes: ReadonlyMap<number, Uint8Array>): Promise<Erased> {
    const { dir, seed, changed, writer } = this.#parts;
    // What is not on the disk yet may still be taken back, and its place given to others.
    while (segment.readableBytes < segment.sizeBytes) await writer.flush();
    const temporary = segment.path + ERASING_SUFFIX;
    let erased: Erased;
    try {
      if (segment.isRemoved) return { records: 0, bytes: 0 };
      erased = await rewriteSegment(segment.path, temporary, notes, seed);
    } catch (error) {
      await rm(temporary, { force: true });
      // Retention was quicker.
      if (segment.isRemoved) return { records: 0, bytes: 0 };
      throw error;
    }
    if (segment.isRemoved) {
      await rm(temporary, { force: true });
      return { records: 0, bytes: 0 };
    }
    renameSync(temporary, segment.path);
    segment.rewrites += 1;
    changed();
    syncDirectory(dir);
    return erased;
  }
}

function syncDirectory(dir: string): void {
  const fd = openSync(dir, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
