import type { ExporterInfo } from "@sandglass/protocol";
import type { Family, Sample } from "./exposition.ts";

/** Shown at zero too: an alert on a counter that does not exist yet never fires. */
const DROP_REASONS = ["rejected", "retention", "corrupt"];

/** What the exporters have done. The destination itself, which may name hosts, is not for metrics. */
export function exporterFamilies(exporters: readonly ExporterInfo[]): Family[] {
  const each = (read: (of: ExporterInfo) => number): Sample[] =>
    exporters.map((of) => ({ labels: labelsOf(of), value: read(of) }));
  const drops = exporters.flatMap((of) => {
    const reasons = new Set([...DROP_REASONS, ...Object.keys(of.counts.dropped)]);
    return [...reasons].map((reason) => ({
      labels: { ...labelsOf(of), reason },
      value: of.counts.dropped[reason] ?? 0,
    }));
  });
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
    total("dropped", "Events that were given up, by reason; healthy is 0.", drops),
    gauge(
      "queued",
      "Events that wait in the log.",
      each(({ counts }) => counts.queued),
    ),
    gauge(
      "in_flight",
      "Events being sent, or sent again.",
      each(({ counts }) => counts.inFlight),
    ),
    gauge(
      "lag_events",
      "Events not dealt with yet.",
      each(({ counts }) => counts.queued + counts.inFlight),
    ),
    gauge(
      "lag_seconds",
      "Age of the oldest event not dealt with yet.",
      each(({ lagMs }) => lagMs / 1000),
    ),
    total(
      "failed_attempts",
      "Attempts that failed since the start.",
      each((of) => of.failedAttempts),
    ),
    total(
      "filter_errors",
      "Times that the filter threw; healthy is 0.",
      each((of) => of.filterErrors),
    ),
    gauge(
      "stalled",
      "1 where nothing has been taken for a while.",
      each(({ state }) => (state === "stalled" ? 1 : 0)),
    ),
    gauge(
      "disabled",
      "1 where nothing is tried any more.",
      each(({ state }) => (state === "disabled" ? 1 : 0)),
    ),
  ];
}

function labelsOf({ id, provider }: ExporterInfo): Record<string, string> {
  return { exporter: id, provider };
}
function total(name: string, help: string, samples: Sample[]): Family {
  return { name: `sandglass_exporter_${name}_total`, help, type: "counter", samples };
}
function gauge(name: string, help: string, samples: Sample[]): Family {
  return { name: `sandglass_exporter_${name}`, help, type: "gauge", samples };
}
