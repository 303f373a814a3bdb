import type { ExporterInfo, FlushResult } from "@sandglass/protocol";

/** One exporter that runs, wherever it does. */
export interface ExporterHandle {
  /** Resolves when its place is on disk; delivers from then on. */
  start(): Promise<void>;
  /** Ends it: what is being sent may end within `graceMs`. Its place is on disk when this resolves. */
  stop(graceMs: number): Promise<void>;
  /** Resolves when everything that is in the log now is dealt with, or the signal fires. */
  flush(signal: AbortSignal): Promise<FlushResult>;
  /** Tries now; wakes one that was disabled. */
  retry(): void;
  info(): ExporterInfo;
}
