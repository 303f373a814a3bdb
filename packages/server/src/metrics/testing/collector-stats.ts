import type { CollectorStats } from "../collector-stats.ts";

/** Of a collector to which everything has happened once. */
export const COLLECTOR_STATS: CollectorStats = {
  received: {
    http: {
      requests: 5,
      bytes: 900,
      spans: 40,
      logRecords: 30,
      dataPoints: 20,
      refused: { malformed: 2, rate_limited: 3, unavailable: 4 },
      rejectedItems: { metric_streams: 7 },
    },
    grpc: {
      requests: 1,
      bytes: 100,
      spans: 8,
      logRecords: 0,
      dataPoints: 0,
      refused: { rate_limited: 6 },
      rejectedItems: {},
    },
  },
  log: { bytes: 1000, appended: 6, lastPosition: 60 },
  relays: [
    {
      id: "otel",
      state: "stalled",
      counts: { accepted: 8, delivered: 3, filtered: 2, queued: 1, inFlight: 1, dropped: { retention: 1 } },
      lagMs: 1500,
      failedAttempts: 2,
    },
  ],
  forwarding: { destinations: 2, stalled: 1, accepted: 9, delivered: 4, queued: 5, dropped: {} },
  outputLines: { told: 11, leftOut: 12 },
  derived: {
    events: { "cost.llm": 3 },
    unknownModels: { "model-of-a-stranger": 2, "another-one": 1 },
    skipped: 13,
    malformed: 14,
  },
  isUp: true,
  restarts: 2,
  cpuMs: 2500,
  rssBytes: 4096,
};
