import type { StatusStats } from "../status-metrics.ts";

/** Of a status page with one of everything. */
export const STATUS_STATS: StatusStats = {
  components: [{ id: "api", status: "partial_outage", probeAgeMs: 1500 }],
  openImpacts: ["major"],
  maintenances: { scheduled: 1, inProgress: 0 },
  probes: [{ labels: { "sandglass.component": "api", "sandglass.state": "operational" }, value: 2 }],
  probeDurations: [
    {
      labels: { "sandglass.component": "api" },
      bounds: [1],
      counts: [2, 0],
      sum: 0.5,
      exemplars: [undefined, undefined],
    },
  ],
  subscriptions: [{ kind: "email", state: "confirmed", count: 3 }],
  pending: [{ kind: "email", count: 1 }],
  oldestPendingMs: 20_000,
  deliveries: [{ labels: { "sandglass.kind": "email", "sandglass.outcome": "delivered" }, value: 4 }],
};
