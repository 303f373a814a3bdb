import { COMPONENT_STATUSES, type ComponentStatus, type IncidentImpact } from "@sandglass/protocol";
import {
  counter,
  type Family,
  gauge,
  type HistogramPoint,
  histogram,
  type NumberPoint,
  one,
  updown,
} from "./family.ts";

/** Shown at zero too: an alert on a metric that does not exist yet never fires. */
const IMPACTS: readonly IncidentImpact[] = ["none", "minor", "major", "critical"];

/** How the service is, as its status page says, and how those get on who want to be told. */
export interface StatusStats {
  components: readonly {
    id: string;
    status: ComponentStatus;
    /** Since the last probe; undefined before the first. */
    probeAgeMs: number | undefined;
  }[];
  /** Impacts of incidents that are not resolved. */
  openImpacts: readonly IncidentImpact[];
  maintenances: { scheduled: number; inProgress: number };
  probes: readonly NumberPoint[];
  probeDurations: readonly HistogramPoint[];
  subscriptions: readonly { kind: string; state: "pending" | "confirmed"; count: number }[];
  pending: readonly { kind: string; count: number }[];
  /** Of the message that has waited longest; undefined where none does. */
  oldestPendingMs: number | undefined;
  deliveries: readonly NumberPoint[];
}

export function statusFamilies(stats: StatusStats): Family[] {
  const { components, openImpacts, maintenances } = stats;
  return [
    gauge(
      "sandglass.status.component",
      "",
      "1 for the status that the status page shows of a component, 0 for the others.",
      components.flatMap(({ id, status }) =>
        COMPONENT_STATUSES.map((each) => point({ component: id, state: each }, Number(each === status))),
      ),
    ),
    gauge(
      "sandglass.status.probe.age",
      "s",
      "Time since a component was looked at.",
      components.flatMap(({ id, probeAgeMs }) =>
        probeAgeMs === undefined ? [] : [point({ component: id }, probeAgeMs / 1000)],
      ),
    ),
    counter("sandglass.status.probes", "{probe}", "Looks at a component, by what they found.", stats.probes),
    histogram(
      "sandglass.status.probe.duration",
      "s",
      "How long canaries, the API and your own checks of URLs took, where they succeeded.",
      stats.probeDurations,
    ),
    updown(
      "sandglass.status.open_incidents",
      "{incident}",
      "Incidents that are not resolved, by impact.",
      IMPACTS.map((impact) => point({ impact }, openImpacts.filter((each) => each === impact).length)),
    ),
    updown("sandglass.status.maintenances", "{maintenance}", "Maintenance that is planned or under way.", [
      point({ state: "scheduled" }, maintenances.scheduled),
      point({ state: "in_progress" }, maintenances.inProgress),
    ]),
    updown(
      "sandglass.status.subscriptions",
      "{subscription}",
      "Subscriptions to the status page.",
      stats.subscriptions.map(({ kind, state, count }) => point({ kind, state }, count)),
    ),
    updown(
      "sandglass.status.pending_deliveries",
      "{message}",
      "Messages to subscribers that are still to be sent.",
      stats.pending.map(({ kind, count }) => point({ kind }, count)),
    ),
    gauge(
      "sandglass.status.delivery.lag",
      "s",
      "Age of the oldest message that is still to be sent.",
      one((stats.oldestPendingMs ?? 0) / 1000),
    ),
    counter(
      "sandglass.status.deliveries",
      "{attempt}",
      "Attempts to tell a subscriber, by what became of them; healthy is delivered alone.",
      stats.deliveries,
    ),
  ];
}

/** Our own attributes carry our prefix over OTLP. */
function point(labels: Readonly<Record<string, string>>, value: number): NumberPoint {
  const entries = Object.entries(labels).map(([name, text]) => [`sandglass.${name}`, text]);
  return { labels: Object.fromEntries(entries) as Record<string, string>, value };
}
