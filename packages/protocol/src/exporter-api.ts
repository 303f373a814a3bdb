import type { Level, RuntimeEvent } from "./events.ts";

/** Which events an exporter gets, as JSON can say it. */
export interface ExporterFilterSpec {
  /** As in `EventFilter`: `exec.*`, `!exec.streamed`. */
  types?: string[];
  minLevel?: Level;
  /** A small expression: `data.exitCode != 0 && type == "exec.completed"`. */
  where?: string;
}

/** One destination: an entry of `observability.exporters`, and the body of `POST /v1/exporters`. */
export interface ExporterSpec {
  /** Its name in cursors, metrics and URLs; default the provider, with a number where that is taken. */
  id?: string;
  /** `axiom`, `otel`, `jsonl`, `postgres`, `console`, `webhook`, or one that was registered. */
  provider: string;
  config?: Record<string, unknown>;
  filter?: ExporterFilterSpec;
  /** Where an exporter that is new begins: with the oldest event kept, behind the newest, or at a time (ISO 8601). Default "latest". */
  startAt?: string;
  /** It is an error at start where the destination cannot be reached. Default false. */
  required?: boolean;
}

/**
 * - `running`: what is there is being delivered
 * - `stalled`: the destination has not taken anything for a while; it is tried again and again
 * - `disabled`: the destination wants nothing any more; nothing is tried until someone asks for it
 */
export type ExporterState = "running" | "stalled" | "disabled";

/** What one exporter has done: accepted = delivered + filtered + queued + inFlight + all of dropped, at every moment. */
export interface ExporterCounts {
  /** Events committed to the log since the exporter's beginning. */
  accepted: number;
  /** The destination said it has them. */
  delivered: number;
  /** Its filter did not want them. */
  filtered: number;
  /** In the log, not read yet or waiting for their batch. */
  queued: number;
  /** Being sent, or sent without success and waiting to be sent again. */
  inFlight: number;
  /** By reason: `rejected` (in the dead-letter file), `retention` and `corrupt` (gone from the log unread). Healthy is {}. */
  dropped: Record<string, number>;
}

export interface ExporterInfo {
  id: string;
  provider: string;
  /** For people, without secrets. */
  destination: string;
  state: ExporterState;
  /** "config": of the configuration; "api": added while running. */
  origin: "config" | "api";
  counts: ExporterCounts;
  /** Age of the oldest event that is not delivered yet; 0 where there is none. */
  lagMs: number;
  /** Attempts that were not successful, since the daemon's start. */
  failedAttempts: number;
  /** Events in those attempts, each as often as it was tried, and those that the destination refused for good. */
  failedEvents: number;
  /** Times that `filter.condition` or `where` threw; the event is let through. */
  filterErrors: number;
  lastError?: { at: string; message: string };
  lastDeliveryAt?: string;
  stalledSince?: string;
  /** Of the file that undeliverable events are in, where there is one. */
  deadLetterFile?: string;
  /** Of an `otel` exporter that also passes on what sandboxes and agents send with OTLP. */
  telemetry?: TelemetryDelivery;
}

/** How an exporter is doing with what sandboxes and agents send; as the fields of {@link ExporterInfo}, counted in requests. */
export type TelemetryDelivery = Pick<
  ExporterInfo,
  | "state"
  | "counts"
  | "lagMs"
  | "failedAttempts"
  | "lastError"
  | "lastDeliveryAt"
  | "stalledSince"
  | "deadLetterFile"
>;

export interface ExporterList {
  items: ExporterInfo[];
}

/** What a destination would not take. It is kept on the daemon's host and not sent again. Either `event` or `telemetry` is there. */
export interface DeadLetter {
  /** When it was given up, ISO 8601. */
  deadAt: string;
  /** What the destination said, without secrets. */
  reason: string;
  event?: RuntimeEvent;
  telemetry?: DeadTelemetry;
}

/** A request with telemetry of a sandbox or an agent; its body is in the file of dead letters alone. */
export interface DeadTelemetry {
  signal: "traces" | "logs" | "metrics";
  /** Spans, log records or data points. */
  items: number;
  orgId: string;
  /** "" for what is about none. */
  sandboxId: string;
  /** "" where none was given. */
  runId: string;
  /** ISO 8601. */
  receivedAt: string;
  sizeBytes: number;
}

/** `POST /v1/exporters/flush`. */
export interface FlushRequest {
  /** Of the exporters to wait for; default all that the caller sees. */
  ids?: string[];
  /** Default 30,000, at most ten minutes. */
  timeoutMs?: number;
}

/** What a flush, or the end, has come to: events accepted before it. */
export interface FlushResult {
  delivered: number;
  dropped: number;
  /** Not delivered within the time; they stay in the log and are delivered later. */
  pending: number;
}
