import type { RecorderStats } from "@sandglass/telemetry";
import { counter, type Family, gauge, type NumberPoint, one } from "./family.ts";

/** @param maxBytes size of the log before its oldest segments go */
export function logFamilies(stats: RecorderStats, maxBytes: number): Family[] {
  const perReader = (read: (of: RecorderStats["readers"][number]) => number): NumberPoint[] =>
    stats.readers.map((of) => ({ labels: { "sandglass.reader": of.name }, value: read(of) }));
  const errors: Record<string, number> = {
    write: stats.writeErrors,
    sync: stats.syncErrors,
    corrupt: stats.corruptRecords,
    checkpoint: stats.checkpointErrors,
    subscriber: stats.subscriberErrors,
  };
  return [
    counter("sandglass.log.appended", "{event}", "Events appended since the start.", one(stats.appended)),
    counter(
      "sandglass.log.appended_bytes",
      "By",
      "Bytes appended since the start.",
      one(stats.appendedBytes),
    ),
    gauge("sandglass.log.bytes", "By", "Size of the event log on disk.", one(stats.bytes)),
    gauge(
      "sandglass.log.capacity",
      "By",
      "Size of the event log before its oldest segments go.",
      one(maxBytes),
    ),
    gauge("sandglass.log.last_position", "", "Position of the newest event.", one(stats.lastPosition)),
    gauge(
      "sandglass.log.oldest_position",
      "",
      "Position of the oldest event that is kept.",
      one(stats.oldestPosition),
    ),
    gauge(
      "sandglass.log.reader.lag_events",
      "{event}",
      "Events a reader has yet to commit.",
      perReader(({ lag }) => lag),
    ),
    counter(
      "sandglass.log.reader.gap_events",
      "{event}",
      "Events a reader has missed; healthy is 0.",
      perReader(({ gapRecords }) => gapRecords),
    ),
    counter(
      "sandglass.log.errors",
      "{error}",
      "What went wrong in the log; healthy is 0.",
      Object.entries(errors).map(([kind, value]) => ({ labels: { "sandglass.kind": kind }, value })),
    ),
    // Every event is a log record, whoever takes it.
    counter("otel.sdk.log.created", "{log_record}", "Log records made, one an event.", one(stats.appended)),
  ];
}
