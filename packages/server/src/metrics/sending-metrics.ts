import type { ExporterInfo } from "@sandglass/protocol";
import type { CollectorStats, SignalItems } from "./collector-stats.ts";
import { counter, type Family, gauge, type NumberPoint } from "./family.ts";
import { SIGNAL_ITEMS } from "./signal-items.ts";

/** All endpoints of sandboxes' owners. No exporter can be called so: ids have no slash. */
const OWNERS = "otlp/owners";
/** What a record is taken to have while there is none to measure. */
const TYPICAL_BYTES = 1024;
const NONE: SignalItems = { traces: 0, logs: 0, metrics: 0 };

/** A log that senders read from, which is their queue. */
export interface QueueLog {
  readonly bytes: number;
  readonly maxBytes: number;
  readonly lastPosition: number;
  readonly oldestPosition: number;
}

export interface SendingParts {
  readonly exporters: readonly ExporterInfo[];
  readonly log: QueueLog;
  /** Absent where no collector is run. */
  readonly collector?: { readonly stats: CollectorStats; readonly maxBytes: number } | undefined;
}

interface SentCounts {
  readonly exporter: string;
  readonly sent: SignalItems;
  readonly failed: SignalItems;
  readonly unqueued: SignalItems;
  /** Only the log records are told: it sends nothing else. */
  readonly isOfEvents: boolean;
}

interface Queue {
  readonly exporter: string;
  /** Of what: events of the record, or telemetry of sandboxes and agents. */
  readonly dataType: "events" | "telemetry";
  readonly size: number;
  readonly capacity: number;
}

/**
 * What exporters send, by the OpenTelemetry Collector's names, so that its dashboards and alerts show these too. To it an event is a log
 * record. An `otel` exporter sends events and passes telemetry on: both are its log records, and it has a queue of each.
 */
export function sendingFamilies(parts: SendingParts): Family[] {
  const counts = countsOf(parts);
  const queues = queuesOf(parts);
  const queued = (read: (queue: Queue) => number): NumberPoint[] =>
    queues.map((queue) => ({
      labels: { exporter: queue.exporter, data_type: queue.dataType },
      value: read(queue),
    }));
  return [
    ...ofSignals("sent", "that the destination has", counts, ({ sent }) => sent),
    ...ofSignals(
      "send_failed",
      "in attempts to send that failed, each as often as it was tried",
      counts,
      ({ failed }) => failed,
    ),
    ...ofSignals(
      "enqueue_failed",
      "that the log, which is the queue, did not take or lost; healthy is 0",
      counts,
      ({ unqueued }) => unqueued,
    ),
    gauge(
      "otelcol_exporter_queue_size",
      "{batches}",
      "Events or requests that wait, or are being sent.",
      queued(({ size }) => size),
    ),
    gauge(
      "otelcol_exporter_queue_capacity",
      "{batches}",
      "How many of the size that they have fit into the log.",
      queued(({ capacity }) => capacity),
    ),
  ];
}

/** They go on from before the start where events do: those are counted with the exporter's place in the log. */
function ofSignals(
  what: string,
  words: string,
  counts: readonly SentCounts[],
  read: (of: SentCounts) => SignalItems,
): Family[] {
  return SIGNAL_ITEMS.map(({ signal, name, unit, words: items }) =>
    counter(
      `otelcol_exporter_${what}_${name}`,
      unit,
      `${items} ${words}.`,
      counts
        .filter(({ isOfEvents }) => !isOfEvents || signal === "logs")
        .map((of) => ({ labels: { exporter: of.exporter }, value: read(of)[signal] })),
      { isPersistent: true },
    ),
  );
}

function countsOf({ exporters, collector }: SendingParts): SentCounts[] {
  const relays = new Map(collector?.stats.relays.map((relay) => [relay.id, relay.items]));
  const unqueued = unqueuedOf(collector?.stats);
  const all = exporters.map(({ id, counts, failedEvents }): SentCounts => {
    const relayed = relays.get(id);
    const missing = (counts.dropped.retention ?? 0) + (counts.dropped.corrupt ?? 0);
    const withEvents = (items: SignalItems = NONE, events = 0): SignalItems => ({
      ...items,
      logs: items.logs + events,
    });
    return {
      exporter: id,
      sent: withEvents(relayed?.sent, counts.delivered),
      failed: withEvents(relayed?.failed, failedEvents),
      unqueued: withEvents(relayed && unqueued, missing),
      isOfEvents: relayed === undefined,
    };
  });
  if (collector === undefined) return all;
  const { sent, failed } = collector.stats.forwarding.items;
  return [...all, { exporter: OWNERS, sent, failed, unqueued, isOfEvents: false }];
}

/** Whose telemetry it was, and which destinations it was for, nobody asked: it is missing to each. */
function unqueuedOf(stats: CollectorStats | undefined): SignalItems {
  if (stats === undefined) return NONE;
  const [http, grpc] = [stats.received.http.unqueuedItems, stats.received.grpc.unqueuedItems];
  return {
    traces: http.traces + grpc.traces,
    logs: http.logs + grpc.logs,
    metrics: http.metrics + grpc.metrics,
  };
}

function queuesOf({ exporters, log, collector }: SendingParts): Queue[] {
  const ofEvents = exporters.map(({ id, counts }): Queue => {
    const size = counts.queued + counts.inFlight;
    return { exporter: id, dataType: "events", size, capacity: capacityOf(log) };
  });
  if (collector === undefined) return ofEvents;
  const { relays, forwarding, log: telemetry } = collector.stats;
  const capacity = capacityOf({ ...telemetry, maxBytes: collector.maxBytes });
  return [
    ...ofEvents,
    ...relays.map(({ id, counts }): Queue => {
      const size = counts.queued + counts.inFlight;
      return { exporter: id, dataType: "telemetry", size, capacity };
    }),
    { exporter: OWNERS, dataType: "telemetry", size: forwarding.queued, capacity },
  ];
}

/** The log is bounded in bytes; what waits there is counted. */
function capacityOf({ bytes, maxBytes, lastPosition, oldestPosition }: QueueLog): number {
  const records = lastPosition - oldestPosition + 1;
  const recordBytes = records > 0 && bytes > 0 ? bytes / records : TYPICAL_BYTES;
  return Math.floor(maxBytes / recordBytes);
}
