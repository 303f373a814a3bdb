import type { ReceivedCounts } from "./collector-stats.ts";
import { counter, type Family, type NumberPoint, one } from "./family.ts";

/** What a sender could have done otherwise, or may do later. */
const REFUSED = [
  "malformed",
  "too_large",
  "rate_limited",
  "in_flight",
  "log_share",
  "not_ready",
  "aborted",
  "timed_out",
];
/** What it could not. */
const FAILED = ["overloaded", "unavailable"];
const REJECTIONS = ["metric_streams"];
/** By the Collector's name for its receiver of OTLP. */
const RECEIVER = { receiver: "otlp" };

/**
 * What came in over OTLP, out of sandboxes and from programs of the host. The names, labels and units of `otelcol_receiver_*` are the
 * OpenTelemetry Collector's, so that its dashboards and alerts show this receiver too. What is refused is refused unread, so that its
 * items are not known: it is counted in requests.
 */
export function receiverFamilies(received: ReceivedCounts): Family[] {
  const { requests, bytes, spans, logRecords, dataPoints, refused, rejectedItems } = received;
  const failure = sumOf(refused, FAILED);
  const outcomes = { success: requests, refused: sumOf(refused) - failure, failure };
  return [
    total("otelcol_receiver_accepted_spans", "{spans}", "Spans that were taken.", single(spans)),
    total(
      "otelcol_receiver_accepted_log_records",
      "{records}",
      "Log records that were taken.",
      single(logRecords),
    ),
    total(
      "otelcol_receiver_accepted_metric_points",
      "{datapoints}",
      "Data points that were taken.",
      single(dataPoints),
    ),
    total(
      "otelcol_receiver_refused_metric_points",
      "{datapoints}",
      "Data points that were left out of requests that were taken.",
      single(sumOf(rejectedItems)),
    ),
    total(
      "otelcol_receiver_requests",
      "{requests}",
      "Requests, by what became of them.",
      Object.entries(outcomes).map(([outcome, value]) => ({ labels: { ...RECEIVER, outcome }, value })),
    ),
    total(
      "sandglass.receiver.refused_requests",
      "{request}",
      "Requests that were not taken, by reason.",
      byReason(refused, [...REFUSED, ...FAILED]),
    ),
    total(
      "sandglass.receiver.rejected_items",
      "{item}",
      "Items that were left out of requests that were taken, by reason.",
      byReason(rejectedItems, REJECTIONS),
    ),
    total(
      "sandglass.receiver.received_bytes",
      "By",
      "Bodies of requests that were taken, as they came over the wire.",
      one(bytes),
    ),
  ];
}

/** Begins with the collector, which may begin anew while the daemon runs. */
function total(name: string, unit: string, help: string, points: NumberPoint[]): Family {
  return counter(name, unit, help, points, { isPersistent: true });
}

function single(value: number): NumberPoint[] {
  return [{ labels: RECEIVER, value }];
}

/** @param known shown at zero too */
function byReason(counts: Readonly<Record<string, number>>, known: readonly string[]): NumberPoint[] {
  return [...new Set([...known, ...Object.keys(counts)])].map((reason) => ({
    labels: { "sandglass.reason": reason },
    value: counts[reason] ?? 0,
  }));
}

/** @param names default all there are */
function sumOf(
  counts: Readonly<Record<string, number>>,
  names: Iterable<string> = Object.keys(counts),
): number {
  let sum = 0;
  for (const name of names) sum += counts[name] ?? 0;
  return sum;
}
