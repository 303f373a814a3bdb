import type { CollectorStats, ReceivedCounts, SignalItems } from "./collector-stats.ts";
import { counter, type Family, type NumberPoint } from "./family.ts";
import { SIGNAL_ITEMS } from "./signal-items.ts";

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
const TRANSPORTS = ["http", "grpc"] as const;

/**
 * What came in over OTLP, out of sandboxes and from programs of the host. The names, labels and units of `otelcol_receiver_*` are the
 * OpenTelemetry Collector's, so that its dashboards and alerts show this receiver too. Most of what is refused is refused unread, so that
 * its items are not known: it is counted in requests alone.
 */
export function receiverFamilies(received: CollectorStats["received"]): Family[] {
  const each = (points: (counts: ReceivedCounts) => Iterable<NumberPoint>): NumberPoint[] =>
    TRANSPORTS.flatMap((transport) =>
      [...points(received[transport])].map(({ labels, value }) => ({
        labels: { ...labels, transport },
        value,
      })),
    );
  /** By the Collector's name for its receiver of OTLP. */
  const ofReceiver = (read: (counts: ReceivedCounts) => number): NumberPoint[] =>
    each((counts) => [{ labels: { receiver: "otlp" }, value: read(counts) }]);
  const ofSignals = (what: string, words: string, read: (counts: ReceivedCounts) => SignalItems): Family[] =>
    SIGNAL_ITEMS.map(({ signal, name, unit, words: items }) =>
      counter(
        `otelcol_receiver_${what}_${name}`,
        unit,
        `${items} ${words}.`,
        ofReceiver((counts) => read(counts)[signal]),
      ),
    );
  return [
    ...ofSignals("accepted", "that were taken", ({ spans, logRecords, dataPoints }) => ({
      traces: spans,
      logs: logRecords,
      metrics: dataPoints,
    })),
    ...ofSignals(
      "refused",
      "that were read and not taken, by the sender's doing",
      ({ refusedItems, rejectedItems }) => ({
        ...refusedItems,
        metrics: refusedItems.metrics + sumOf(rejectedItems),
      }),
    ),
    ...ofSignals("failed", "that could not be kept", ({ failedItems }) => failedItems),
    counter("otelcol_receiver_requests", "{requests}", "Requests, by what became of them.", each(outcomes)),
    counter(
      "sandglass.receiver.refused_requests",
      "{request}",
      "Requests that were not taken, by reason.",
      each(({ refused }) => byReason(refused, [...REFUSED, ...FAILED])),
    ),
    counter(
      "sandglass.receiver.rejected_items",
      "{item}",
      "Items that were left out of requests that were taken, by reason.",
      each(({ rejectedItems }) => byReason(rejectedItems, REJECTIONS)),
    ),
    counter(
      "sandglass.receiver.received_bytes",
      "By",
      "Bodies of requests that were taken, as they came over the wire.",
      each(({ bytes }) => [{ value: bytes }]),
    ),
  ];
}

function outcomes({ requests, refused }: ReceivedCounts): NumberPoint[] {
  const failure = sumOf(refused, FAILED);
  const counts = { success: requests, refused: sumOf(refused) - failure, failure };
  return Object.entries(counts).map(([outcome, value]) => ({ labels: { receiver: "otlp", outcome }, value }));
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
