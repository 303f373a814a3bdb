import type { LogUpdate } from "@sandglass/telemetry/reading";
import type { EraseRequest, EraseResult } from "./erase/erase-request.ts";
import type { StoreReset } from "./open-database.ts";
import type { StoreQueries } from "./queries.ts";
import type { LogName } from "./store-writer.ts";

export interface IngestSettings {
  /** Absolute. */
  path: string;
  /** Absolute; where the log of telemetry is. */
  telemetryDir: string;
  maxBytes: number;
  maxAgeMs: number | undefined;
  expireEveryMs: number;
}

/** How the store is doing. */
export interface StoreState {
  /** Of each log: the last record that is in the store. */
  positions: Record<LogName, number>;
  /** Records that could not be understood; healthy is 0. */
  skipped: number;
  sizeBytes: number;
  /** Events removed by age or size since the daemon started. */
  expired: number;
}

/** To the thread that fills the store. */
export type IngestCommand =
  | { kind: "log"; log: LogName; update: LogUpdate }
  | { kind: "erase"; call: number; request: EraseRequest }
  /** Somebody waits until events up to this position are in. */
  | { kind: "hurry"; position: number }
  | { kind: "stop" };
/** From it. `opened` comes first, once. */
export type IngestReport =
  | { kind: "opened" }
  | { kind: "state"; state: StoreState }
  | { kind: "reset"; reason: StoreReset | "log" }
  /** To `erase`, of the same number. */
  | { kind: "erased"; call: number; result?: EraseResult; error?: string }
  | { kind: "problem"; message: string };

export type QueryName = keyof StoreQueries;
export type QueryArguments<Name extends QueryName> = Parameters<StoreQueries[Name]>[1];
export type QueryResult<Name extends QueryName> = ReturnType<StoreQueries[Name]>;

/** To a thread that answers queries, one at a time. */
export interface QueryCall {
  call: number;
  name: QueryName;
  arguments: unknown;
}
export interface QueryAnswer {
  call: number;
  value?: unknown;
  error?: string;
}
