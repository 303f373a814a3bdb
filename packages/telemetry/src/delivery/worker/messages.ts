import type { ExporterInfo, FlushResult } from "@sandglass/protocol";
import type { Environment } from "../../exporters/definition.ts";
import type { LogUpdate } from "../../log/log-feed.ts";
import type { ExporterOptions, ExporterOwner } from "../exporter-options.ts";
import type { RetryOptions } from "../retry-schedule.ts";

/** How often the thread hears of new records: they are gathered for its readers, and read by all of them at once. */
export const FEED_EVERY_MS = 25;

/** What the thread is started with. */
export interface WorkerSettings {
  cursors: { dir: string; mustSync: boolean };
  deadLetterDir: string;
  env: Environment;
  cwd: string;
  ownOrigins: readonly string[];
  retry: RetryOptions;
}

/** To the thread. What has a `call` is answered by a `result` of the same number. */
export type WorkerCommand =
  | { kind: "log"; update: LogUpdate }
  | { kind: "start"; call: number; id: string; options: ExporterOptions; owner: ExporterOwner }
  | { kind: "stop"; call: number; id: string; graceMs: number; closeMs: number }
  | { kind: "flush"; call: number; id: string }
  | { kind: "abort"; call: number }
  | { kind: "retry"; id: string };

/** How an exporter of the thread is doing: true at one moment, the log's end as the thread saw it included. */
export interface ExporterSnapshot {
  info: ExporterInfo;
  lastPosition: number;
  committed: number;
  gapRecords: number;
}

/** From the thread. */
export type WorkerReport =
  | { kind: "result"; call: number; value?: FlushResult | undefined; error?: string }
  | { kind: "snapshots"; snapshots: ExporterSnapshot[] }
  | { kind: "stalled"; id: string; reason: string; lagEvents: number }
  | { kind: "recovered"; id: string; stalledMs: number }
  | { kind: "problem"; message: string; error?: string };
