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
      refusedItems: { traces: 50, logs: 51, metrics: 52 },
      failedItems: { traces: 53, logs: 54, metrics: 55 },
      unqueuedItems: { traces: 56, logs: 57, metrics: 58 },
    },
    grpc: {
      requests: 1,
      bytes: 100,
      spans: 8,
      logRecords: 0,
      dataPoints: 0,
      refused: { rate_limited: 6 },
      rejectedItems: {},
      refusedItems: { traces: 0, logs: 0, metrics: 0 },
      failedItems: { traces: 0, logs: 0, metrics: 0 },
      unqueuedItems: { traces: 1, logs: 0, metrics: 0 },
    },
  },
  log: { bytes: 1000, appended: 6, lastPosition: 60, oldestPosition: 51 },
  relays: [
    {
      id: "otel",
      state: "stalled",
      counts: { accepted: 8, delivered: 3, filtered: 2, queued: 1, inFlight: 1, dropped: { retention: 1 } },
      lagMs: 1500,
      failedAttempts: 2,
      items: { sent: { traces: 31, logs: 32, metrics: 33 }, failed: { traces: 34, logs: 35, metrics: 36 } },
    },
  ],
  forwarding: {
    destinations: 2,
    stalled: 1,
    accepted: 9,
    delivered: 4,
    queued: 5,
    dropped: {},
    items: { sent: { traces: 41, logs: 42, metrics: 43 }, failed: { traces: 44, logs: 45, metrics: 46 } },
  },
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
