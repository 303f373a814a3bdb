/** What a signal's items are called and counted in by the OpenTelemetry Collector. */
export const SIGNAL_ITEMS = [
  { signal: "traces", name: "spans", unit: "{spans}", words: "Spans" },
  { signal: "logs", name: "log_records", unit: "{records}", words: "Log records" },
  { signal: "metrics", name: "metric_points", unit: "{datapoints}", words: "Data points" },
] as const;
