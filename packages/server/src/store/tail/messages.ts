import type { LogEntry } from "@sandglass/protocol";
import type { LogUpdate } from "@sandglass/telemetry/reading";

/** What a follower of log records wants; as the store's list takes it. */
export interface TailFilter {
  orgId: string;
  minSeverity?: number | undefined;
  text?: string | undefined;
  search?: string | undefined;
  service?: string | undefined;
  sandboxId?: string | undefined;
  runId?: string | undefined;
  traceId?: string | undefined;
  spanId?: string | undefined;
  attribute?: readonly string[] | undefined;
}

/** A log record, with the line that shows it. */
export interface TailEntry {
  entry: LogEntry;
  line: string;
}

/** To the thread that reads for tails. `taken`: the follower has written what it got, and takes more. */
export type TailCommand =
  | { kind: "log"; update: LogUpdate }
  | { kind: "follow"; follower: number; filter: TailFilter }
  | { kind: "taken"; follower: number }
  | { kind: "leave"; follower: number };

/** From it: whole lines for one follower. */
export interface TailReport {
  follower: number;
  lines: string;
}

export interface TailSettings {
  /** Absolute; where the log of telemetry is. */
  telemetryDir: string;
}
