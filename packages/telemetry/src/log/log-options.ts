import type { Retention } from "./retention.ts";

/**
 * When an append is acknowledged.
 *
 * - `process`: written. Survives the end of the process however it comes; a power cut may take the last 100 ms.
 * - `power`: written and fdatasync(2) done. Survives a power cut.
 */
export type Durability = "process" | "power";

/** Something the log survived and someone should know. */
export type LogProblem =
  /** Appends were refused: nothing of them is in the log. */
  | { kind: "write_failed"; records: number; error: Error }
  /**
   * With durability "process" these records are in the log, and may not outlive a power cut; with "power" they were refused and nothing of
   * them is in the log. The segment is left for a new one.
   */
  | { kind: "sync_failed"; segment: string; from: number; to: number; error: Error }
  /** Bytes behind the last whole record were cut away at open. */
  | { kind: "truncated"; segment: string; bytes: number }
  /** These records cannot be read. Told once for each time they are come across. */
  | { kind: "corrupt"; segment: string; from: number; to: number }
  /** The segment's name was taken for what its header should say. */
  | { kind: "header_damaged"; segment: string }
  /** A reader's cursor could not be read or points behind the log's end; it continues from `position`. */
  | { kind: "cursor_reset"; reader: string; position: number }
  /** The size limit took records that these readers had not read. */
  | { kind: "unread_removed"; from: number; to: number; readers: string[] }
  /** A cursor or a segment file could not be written or removed; it is tried again. */
  | { kind: "housekeeping_failed"; error: Error };

export interface DurableLogOptions {
  /** Made where it is not there. One process at a time has it. */
  dir: string;
  /** Default "process". */
  durability?: Durability;
  /**
   * A segment is closed before it grows past this; default 64 MiB, or an eighth of `retention.maxBytes` where that is less.
   * A longer record gets a segment of its own.
   */
  segmentBytes?: number;
  /** Its records hold bytes that someone else chose, and not UTF-8: see `frame.ts`. Not to be changed once it is there. Default false. */
  holdsForeignBytes?: boolean;
  /**
   * How much of what was written last is kept in memory, for readers that keep up: bytes. For a log of much that is read at once by
   * readers of this thread; others read the files. Default 0.
   */
  recentBytes?: number;
  retention?: Retention;
  /** Told of everything in {@link LogProblem}; must not throw. */
  onProblem?: (problem: LogProblem) => void;
  /** Records `first` … `first + count - 1` became readable. Called before their promises resolve; must not throw. */
  onCommit?: (first: number, count: number) => void;
  /** Records `first` … `first + count - 1` were refused and their positions will be given again. Must not throw. */
  onDrop?: (first: number, count: number) => void;
  /** How a file's data reaches the disk; default fdatasync(2). A disk that fails cannot be had in a test. */
  syncFile?: (fd: number) => Promise<void>;
}

/** What opening the log found. */
export interface LogRecovery {
  /** Bytes behind the last whole record, cut away. */
  truncatedBytes: number;
  /** Records of the last segment that could not be read. Older segments are looked at when they are read. */
  corruptRecords: number;
}

export interface LogStats {
  /** Records appended since open. */
  appended: number;
  appendedBytes: number;
  /** On disk, all segments. */
  bytes: number;
  segments: number;
  /** 0 where nothing was ever appended. */
  lastPosition: number;
  /** First record that is still there. */
  oldestPosition: number;
  writeErrors: number;
  syncErrors: number;
  /** Records that could not be read, found at open and by readers; a record counts once for each reader that misses it. */
  corruptRecords: number;
  /** Named readers, and how many records each has yet to commit. */
  readers: { name: string; committed: number; lag: number; gapRecords: number }[];
}
