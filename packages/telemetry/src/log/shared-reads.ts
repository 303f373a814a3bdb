import type { FileHandle } from "node:fs/promises";
import { ChunkMemory } from "./chunk-memory.ts";
import { ReadChunk } from "./read-chunk.ts";
import type { Segment } from "./segment.ts";

/** A read that has not ended, and how many wait for it. */
interface UnderWay {
  readonly chunk: Promise<ReadChunk>;
  readers: number;
}

/**
 * Reads a stretch of a segment once for all readers that ask for it at the same time, as those do that are at the log's end together.
 * What they get is theirs together: nobody writes to it, and each releases it or leaves it to the garbage collector.
 */
export class SharedReads {
  readonly #underWay = new Map<string, UnderWay>();
  readonly #memory = new ChunkMemory();

  /** Rejects with what the file system does. @param file open at the segment's present content */
  read(file: FileHandle, segment: Segment, offset: number, length: number): Promise<ReadChunk> {
    const key = `${segment.firstPosition} ${segment.rewrites} ${offset} ${length}`;
    const known = this.#underWay.get(key);
    if (known) {
      known.readers += 1;
      return known.chunk;
    }
    const reading: UnderWay = { chunk: this.#read(file, offset, length, key), readers: 1 };
    this.#underWay.set(key, reading);
    return reading.chunk;
  }

  async #read(file: FileHandle, offset: number, length: number, key: string): Promise<ReadChunk> {
    const memory = this.#memory.take(length);
    let bytesRead = 0;
    let readers = 1;
    try {
      ({ bytesRead } = await file.read(memory, 0, length, offset));
    } finally {
      readers = this.#underWay.get(key)!.readers;
      this.#underWay.delete(key);
    }
    return new ReadChunk(memory.subarray(0, bytesRead), readers, () => this.#memory.giveBack(memory));
  }
}

/** The same for one reader, in memory of its own. */
export async function readChunk(file: FileHandle, offset: number, length: number): Promise<ReadChunk> {
  const memory = Buffer.allocUnsafeSlow(length);
  const { bytesRead } = await file.read(memory, 0, length, offset);
  return new ReadChunk(memory.subarray(0, bytesRead));
}
