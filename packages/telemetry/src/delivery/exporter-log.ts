import type { NamedReader } from "../log/named-reader.ts";

/** What an exporter needs of the log, wherever it runs. */
export interface ExporterLog {
  readonly lastPosition: number;
  /** The reader of this name, which has a cursor already. */
  readerAt(name: string): NamedReader;
  /** Keeps its place, and no record for it any more. */
  detachReader(name: string): void;
}
