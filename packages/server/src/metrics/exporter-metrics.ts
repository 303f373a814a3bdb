import type { ExporterInfo } from "@sandglass/protocol";
import type { RecorderStats } from "@sandglass/telemetry";
import { counter, type Family, gauge, type NumberPoint, updown } from "./family.ts";

/** Shown at zero too: an alert on a counter that does not exist yet never fires. */
const DROP_REASONS = ["rejected", "retention", "corrupt"];

/**
 * What the exporters have done. The destination itself, which may name hosts, is not for metrics.
 *
 * @param log what they read from, for what their queues take of it
 */
export function exporterFamilies(
  exporters: readonly ExporterInfo[],
  log: Pick<RecorderStats, "bytes" | "lastPosition" | "oldestPosition">,
): Family[] {
  const each = (read: (of: ExporterInfo) => number): NumberPoint[] =>
    exporters.map((of) => ({ labels: labelsOf(of), value: read(of) }));
  const bytesPerEvent = log.bytes / Math.max(1, log.lastPosition - log.oldestPosition + 1);
  return [
    total(
      "accepted",
      "Events that are an exporter's to deal with.",
      each(({ counts }) => counts.accepted),
    ),
    total(
      "delivered",
      "Events that the destination has.",
      each(({ counts }) => counts.delivered),
    ),
    total(
      "filtered",
      "Events that the filter left out.",
      each(({ counts }) => counts.filtered),
    ),
    total(
      "dropped",
      "Events that were given up, by reason; healthy is 0.",
      dropsOf(exporters, "sandglass.reason"),
    ),
    state(
      "queued",
      "{event}",
      "Events that wait in the log.",
      each(({ counts }) => counts.queued),
    ),
    state(
      "in_flight",
      "{event}",
      "Events being sent, or sent again.",
      each(({ counts }) => counts.inFlight),
    ),
    state("lag_events", "{event}", "Events not dealt with yet.", each(waiting)),
    state(
      "lag",
      "s",
      "Age of the oldest event not dealt with yet.",
      each(({ lagMs }) => lagMs / 1000),
    ),
    state(
      "queue",
      "By",
      "What the events not dealt with yet take of the log, by the mean size of an event.",
      each((of) => Math.min(log.bytes, Math.round(waiting(of) * bytesPerEvent))),
    ),
    counter(
      "sandglass.exporter.failed_attempts",
      "{attempt}",
      "Attempts that failed since the start.",
      each((of) => of.failedAttempts),
    ),
    counter(
      "sandglass.exporter.filter_errors",
      "{error}",
      "Times that the filter threw; healthy is 0.",
      each((of) => of.filterErrors),
    ),
    state(
      "stalled",
      "",
      "1 where nothing has been taken for a while.",
      each((of) => (of.state === "stalled" ? 1 : 0)),
    ),
    state(
      "disabled",
      "",
      "1 where nothing is tried any more.",
      each((of) => (of.state === "disabled" ? 1 : 0)),
    ),
    ...sdkFamilies(exporters),
  ];
}

/** The same by OpenTelemetry's names: to it, an event that is delivered is a log record that is exported. */
function sdkFamilies(exporters: readonly ExporterInfo[]): Family[] {
  const each = (read: (of: ExporterInfo) => number): NumberPoint[] =>
    exporters.map((of) => ({ labels: componentOf(of), value: read(of) }));
  const exported = [
    ...each(({ counts }) => counts.delivered),
    ...dropsOf(exporters, "error.type", componentOf),
  ];
  return [
    counter(
      "otel.sdk.exporter.log.exported",
      "{log_record}",
      "Log records that were exported, or, with an error type, given up.",
      exported,
      { isPersistent: true },
    ),
    updown(
      "otel.sdk.exporter.log.inflight",
      "{log_record}",
      "Log records that are being exported.",
      each(({ counts }) => counts.inFlight),
    ),
    updown(
      "otel.sdk.processor.log.queue.size",
      "{log_record}",
      "Log records that wait to be exported.",
      each(({ counts }) => counts.queued),
    ),
  ];
}

function dropsOf(
  exporters: readonly ExporterInfo[],
  label: string,
  labels: (of: ExporterInfo) => Record<string, string> = labelsOf,
): NumberPoint[] {
  return exporters.flatMap((of) =>
    [...new Set([...DROP_REASONS, ...Object.keys(of.counts.dropped)])].map((reason) => ({
      labels: { ...labels(of), [label]: reason },
      value: of.counts.dropped[reason] ?? 0,
    })),
  );
}

function waiting({ counts }: ExporterInfo): number {
  return counts.queued + counts.inFlight;
}

function labelsOf({ id, provider }: ExporterInfo): Record<string, string> {
  return { "sandglass.exporter": id, "sandglass.provider": provider };
}

function componentOf({ id, provider }: ExporterInfo): Record<string, string> {
  return { "otel.component.type": `sandglass_${provider}_exporter`, "otel.component.name": id };
}

/** Goes on over restarts: it is kept with the exporter's place in the log. */
function total(name: string, help: string, points: NumberPoint[]): Family {
  return counter(`sandglass.exporter.${name}`, "{event}", help, points, { isPersistent: true });
}
function state(name: string, unit: string, help: string, points: NumberPoint[]): Family {
  return gauge(`sandglass.exporter.${name}`, unit, help, points);
}
