import { closeSync, fsyncSync, openSync } from "node:fs";
import type { SegmentWriter } from "./segment-writer.ts";

export interface SyncFailure {
  writer: SegmentWriter;
  error: Error;
}

/** Brings what was written to the disk: the segment being written and those that were left since the last time. */
export class Syncer {
  readonly #dir: string;
  readonly #syncFile: (fd: number) => Promise<void>;
  #retired: SegmentWriter[] = [];
  #isDirectoryDirty = true;

  constructor(dir: string, syncFile: (fd: number) => Promise<void>) {
    this.#dir = dir;
    this.#syncFile = syncFile;
  }

  /** A segment that nothing more is written to: synced once more, then closed. */
  retire(writer: SegmentWriter): void {
    this.#retired.push(writer);
    // The new segment's name must outlive a power cut too.
    this.#isDirectoryDirty = true;
  }

  /**
   * Returns the segments that could not be synced. After a failed fsync the kernel may count the pages as clean, so that
   * asking again says nothing about what was lost: a failed segment has to be left.
   */
  async sync(active: SegmentWriter): Promise<SyncFailure[]> {
    const retired = this.#retired;
    this.#retired = [];
    const failures: SyncFailure[] = [];
    for (const writer of [...retired, active]) {
      try {
        await this.#syncFile(writer.fd);
      } catch (error) {
        failures.push({ writer, error: error as Error });
      }
    }
    for (const writer of retired) writer.close();
    try {
      if (this.#isDirectoryDirty) this.#syncDirectory();
    } catch (error) {
      failures.push({ writer: active, error: error as Error });
    }
    return failures;
  }

  #syncDirectory(): void {
    const fd = openSync(this.#dir, "r");
    try {
      fsyncSync(fd);
      this.#isDirectoryDirty = false;
    } finally {
      closeSync(fd);
    }
  }
}
