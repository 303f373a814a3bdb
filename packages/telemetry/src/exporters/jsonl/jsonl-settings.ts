/** Options of the `jsonl` exporter with their defaults in. */
export interface JsonlSettings {
  /** Absolute; a link is followed. */
  readonly path: string;
  /** False empties the file when it is opened for the first time. */
  readonly append: boolean;
  /** 0 never rotates. */
  readonly rotateSizeBytes: number;
  readonly rotateFiles: number;
  readonly gzip: boolean;
  /** Permission bits of files that are made. */
  readonly mode: number;
  /** A batch counts as delivered when it is on disk, not when the operating system has it. */
  readonly fsync: boolean;
}
