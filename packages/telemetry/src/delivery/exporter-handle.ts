import type { ExporterInfo, FlushResult } from "@sandglass/protocol";

/** What an exporter that is being closed may take to give back its connections. */
export const CLOSE_MS = 2_000;
/** What a batch that is under way may take when its exporter is changed or removed. */
const CHANGE_GRACE_MS = 2_000;

/** One exporter that runs, wherever it does. */
export interface ExporterHandle {
  /** Resolves when its place is on disk; delivers from then on. Throws where it is new and that cannot be. */
  start(): Promise<void>;
  /**
   * Ends it: what is being sent may end within `graceMs`, and giving back its connections take `closeMs` (default 2 s). Its place is
   * on disk when this resolves.
   */
  stop(graceMs: number, closeMs?: number): Promise<void>;
  /** Resolves when everything that is in the log now is dealt with, or the signal fires. */
  flush(signal: AbortSignal): Promise<FlushResult>;
  /** Tries now; wakes one that was disabled. */
  retry(): void;
  info(): ExporterInfo;
}

/** Ends one that is changed or removed. What is being sent may end, but where the destination has been away for a while nothing is. */
export async function stopForChange(exporter: ExporterHandle | undefined): Promise<void> {
  await exporter?.stop(exporter.info().state === "running" ? CHANGE_GRACE_MS : 0);
}
