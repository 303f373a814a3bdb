import type { CollectorStats } from "./collector-stats.ts";
import { counter, type Family, gauge, type NumberPoint, one, updown } from "./family.ts";
import { receiverFamilies } from "./receiver-metrics.ts";

const DROP_REASONS = ["rejected", "retention", "corrupt"];
/** These go on over restarts of the daemon: what is not delivered yet is counted again. */
const PERSISTENT = { isPersistent: true };

/**
 * What the collector has taken, kept and passed on.
 *
 * @param maxBytes size of its log before the oldest segments go
 */
export function collectorFamilies(stats: CollectorStats, maxBytes: number): Family[] {
  return [
    ...receiverFamilies(stats.received),
    ...relayFamilies(stats),
    ...forwardFamilies(stats.forwarding),
    ...logFamilies(stats.log, maxBytes),
    ...outputFamilies(stats.outputLines),
    ...ownFamilies(stats),
  ];
}

function relayFamilies({ relays }: CollectorStats): Family[] {
  const each = (read: (of: CollectorStats["relays"][number]) => number): NumberPoint[] =>
    relays.map((of) => ({ labels: { exporter: of.id }, value: read(of) }));
  const dropped = relays.flatMap((of) => drops({ exporter: of.id }, of.counts.dropped));
  const total = (name: string, help: string, points: NumberPoint[]): Family =>
    counter(`sandglass.relay.${name}_requests`, "{request}", help, points, PERSISTENT);
  return [
    total(
      "accepted",
      "Requests that the destination was to see.",
      each(({ counts }) => counts.accepted),
    ),
    total(
      "filtered",
      "Requests that are not for the destination: for an owner's endpoint alone, of another organisation or signal.",
      each(({ counts }) => counts.filtered),
    ),
    total(
      "delivered",
      "Requests that the destination has.",
      each(({ counts }) => counts.delivered),
    ),
    total("dropped", "Requests that were given up, by reason; healthy is 0.", dropped),
    gauge(
      "sandglass.relay.in_flight_requests",
      "{request}",
      "Requests being sent, or sent again.",
      each(({ counts }) => counts.inFlight),
    ),
    gauge(
      "sandglass.relay.lag",
      "s",
      "Age of the oldest request not dealt with yet.",
      each(({ lagMs }) => lagMs / 1000),
    ),
    counter(
      "sandglass.relay.failed_attempts",
      "{attempt}",
      "Attempts that failed since the start.",
      each(({ failedAttempts }) => failedAttempts),
    ),
    gauge(
      "sandglass.relay.stalled",
      "",
      "1 where nothing has been taken for a while.",
      each(({ state }) => (state === "stalled" ? 1 : 0)),
    ),
  ];
}

/** Whose endpoints these are is nobody's but their owners' business: all are counted together. */
function forwardFamilies(of: CollectorStats["forwarding"]): Family[] {
  const total = (name: string, help: string, points: NumberPoint[]): Family =>
    counter(`sandglass.forward.${name}_requests`, "{request}", help, points, PERSISTENT);
  return [
    updown(
      "sandglass.forward.destinations",
      "{destination}",
      "Endpoints of sandboxes' owners that telemetry goes to.",
      one(of.destinations),
    ),
    updown(
      "sandglass.forward.stalled_destinations",
      "{destination}",
      "Those that have taken nothing for a while.",
      one(of.stalled),
    ),
    total("accepted", "Requests to be passed on to sandboxes' owners.", one(of.accepted)),
    total("delivered", "Requests that their endpoints have.", one(of.delivered)),
    total("dropped", "Requests that were given up, by reason; healthy is 0.", drops({}, of.dropped)),
    updown("sandglass.forward.queued_requests", "{request}", "Requests that wait.", one(of.queued)),
  ];
}

function logFamilies(log: CollectorStats["log"], maxBytes: number): Family[] {
  return [
    gauge("sandglass.telemetry_log.bytes", "By", "Size of the log of telemetry on disk.", one(log.bytes)),
    gauge(
      "sandglass.telemetry_log.capacity",
      "By",
      "Size of the log of telemetry before its oldest segments go.",
      one(maxBytes),
    ),
    counter(
      "sandglass.telemetry_log.appended",
      "{request}",
      "Requests kept since the start.",
      one(log.appended),
    ),
    gauge(
      "sandglass.telemetry_log.last_position",
      "",
      "Position of the newest request.",
      one(log.lastPosition),
    ),
  ];
}

function outputFamilies({ told, leftOut }: CollectorStats["outputLines"]): Family[] {
  return [
    counter("sandglass.output.log_lines", "{line}", "Lines of output that became log records.", one(told)),
    counter(
      "sandglass.output.left_out_lines",
      "{line}",
      "Lines of output that did not, for there were too many.",
      one(leftOut),
    ),
  ];
}

function ownFamilies({ derived, cpuMs, rssBytes, isUp, restarts }: CollectorStats): Family[] {
  const models = Object.values(derived.unknownModels).reduce((sum, count) => sum + count, 0);
  return [
    counter(
      "sandglass.derived.events",
      "{event}",
      "Events that were derived from telemetry, by type.",
      Object.entries(derived.events).map(([type, value]) => ({ labels: { "sandglass.type": type }, value })),
    ),
    // Who sends names the models: as a label they would be series that anybody can make.
    counter(
      "sandglass.derived.unpriced_calls",
      "{call}",
      "Calls of models that no price is known of.",
      one(models),
    ),
    counter(
      "sandglass.derived.skipped_requests",
      "{request}",
      "Requests of sandboxes that were not looked into, for there were too many; healthy is 0.",
      one(derived.skipped),
    ),
    counter(
      "sandglass.derived.malformed_requests",
      "{request}",
      "Requests that could not be read when they were looked into; healthy is 0.",
      one(derived.malformed),
    ),
    gauge("sandglass.collector.up", "", "1 where the collector serves.", one(isUp ? 1 : 0)),
    counter(
      "sandglass.collector.restarts",
      "{restart}",
      "Times that the collector was started again; healthy is 0.",
      one(restarts),
    ),
    counter("sandglass.collector.cpu.time", "s", "Processor time of the collector.", one(cpuMs / 1000), {
      textName: "sandglass_collector_cpu_seconds",
    }),
    gauge("sandglass.collector.memory.usage", "By", "Resident memory of the collector.", one(rssBytes), {
      textName: "sandglass_collector_resident_memory_bytes",
    }),
  ];
}

function drops(labels: Record<string, string>, dropped: Readonly<Record<string, number>>): NumberPoint[] {
  return [...new Set([...DROP_REASONS, ...Object.keys(dropped)])].map((reason) => ({
    labels: { ...labels, "sandglass.reason": reason },
    value: dropped[reason] ?? 0,
  }));
}
