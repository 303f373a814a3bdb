import type { EventDataMap } from "@sandglass/protocol";
import { totalOf } from "./total-of.ts";

export type Sample = EventDataMap["resource.sample"];

/** How one value of a sample is told. */
export interface SampleMetric {
  readonly name: string;
  /** UCUM. */
  readonly unit: string;
  /**
   * `gauge`: how things were. `level`: the same, of what may be summed over sandboxes, as the conventions have it (an UpDownCounter).
   * `counter`: what only grows.
   */
  readonly kind: "gauge" | "level" | "counter";
  readonly isInteger: boolean;
  /** Undefined where the sample does not say. */
  read(sample: Sample): number | undefined;
}

/**
 * Everything that is told of a sample, on the resource of its sandbox and without attributes. The `container.*` ones are those of
 * the semantic conventions; `container.memory.usage` is a counter there, which a value that falls cannot be.
 */
export const SAMPLE_METRICS: readonly SampleMetric[] = [
  gauge("sandglass.sandbox.cpu.utilization", "1", ({ cpuUtilization }) => cpuUtilization),
  gauge("sandglass.sandbox.cpu.limit", "{cpu}", ({ cpuLimit }) => cpuLimit),
  counter("sandglass.sandbox.cpu.throttled.time", "s", ({ throttledMs }) => seconds(throttledMs)),
  gauge("sandglass.sandbox.memory.utilization", "1", memoryUtilization),
  bytes("sandglass.sandbox.memory.usage", ({ memoryUsageBytes }) => memoryUsageBytes),
  bytes("sandglass.sandbox.memory.limit", ({ memoryLimitBytes }) => memoryLimitBytes),
  { ...counter("sandglass.sandbox.memory.oom_kills", "{kill}", ({ oomKills }) => oomKills), isInteger: true },
  gauge("sandglass.sandbox.filesystem.utilization", "1", diskUtilization),
  bytes("sandglass.sandbox.filesystem.usage", diskUsage),
  { ...gauge("sandglass.sandbox.process.count", "{process}", ({ pids }) => pids), isInteger: true },
  {
    ...counter("sandglass.sandbox.egress.received", "By", (sample) => sample.egressBytesIn),
    isInteger: true,
  },
  { ...counter("sandglass.sandbox.egress.sent", "By", (sample) => sample.egressBytesOut), isInteger: true },
  {
    ...counter("sandglass.sandbox.egress.connections", "{connection}", (sample) => sample.egressConnections),
    isInteger: true,
  },
  {
    ...counter("sandglass.sandbox.egress.denied", "{connection}", (sample) => sample.egressDenied),
    isInteger: true,
  },
  {
    ...counter("sandglass.sandbox.telemetry.accepted", "{item}", ({ telemetry }) => telemetry?.acceptedItems),
    isInteger: true,
  },
  {
    ...counter("sandglass.sandbox.telemetry.refused", "{request}", ({ telemetry }) =>
      totalOf(telemetry?.refusedRequests),
    ),
    isInteger: true,
  },
  {
    ...counter("sandglass.sandbox.telemetry.rejected", "{item}", ({ telemetry }) =>
      totalOf(telemetry?.rejectedItems),
    ),
    isInteger: true,
  },
  gauge("container.uptime", "s", ({ uptimeMs }) => seconds(uptimeMs)),
  counter("container.cpu.time", "s", ({ cpuMs }) => seconds(cpuMs)),
  gauge("container.cpu.usage", "{cpu}", ({ cpuUtilization, cpuLimit }) => times(cpuUtilization, cpuLimit)),
  { ...bytes("container.memory.usage", ({ memoryUsageBytes }) => memoryUsageBytes), kind: "level" },
  { ...bytes("container.filesystem.usage", diskUsage), kind: "level" },
  { ...bytes("container.filesystem.capacity", diskLimit), kind: "level" },
  { ...bytes("container.filesystem.available", diskAvailable), kind: "level" },
];

function gauge(name: string, unit: string, read: SampleMetric["read"]): SampleMetric {
  return { name, unit, kind: "gauge", isInteger: false, read };
}

function counter(name: string, unit: string, read: SampleMetric["read"]): SampleMetric {
  return { name, unit, kind: "counter", isInteger: false, read };
}

function bytes(name: string, read: SampleMetric["read"]): SampleMetric {
  return { name, unit: "By", kind: "gauge", isInteger: true, read };
}

function memoryUtilization({ memoryUsageBytes, memoryLimitBytes }: Sample): number | undefined {
  return ratio(memoryUsageBytes, memoryLimitBytes);
}

function diskUtilization({ diskUsageBytes, diskLimitBytes }: Sample): number | undefined {
  return ratio(diskUsageBytes, diskLimitBytes);
}

/** Without a disk of its own, nobody knows what it uses. */
function diskUsage({ diskUsageBytes, diskLimitBytes }: Sample): number | undefined {
  return diskLimitBytes > 0 ? diskUsageBytes : undefined;
}

function diskLimit({ diskLimitBytes }: Sample): number | undefined {
  return diskLimitBytes > 0 ? diskLimitBytes : undefined;
}

function diskAvailable({ diskUsageBytes, diskLimitBytes }: Sample): number | undefined {
  return diskLimitBytes > 0 ? Math.max(0, diskLimitBytes - diskUsageBytes) : undefined;
}

/** Never above 1, also where a limit is not enforced. */
function ratio(usage: number, limit: number): number | undefined {
  return limit > 0 ? Math.min(1, usage / limit) : undefined;
}

function times(utilization: number, limit: number | undefined): number | undefined {
  return limit === undefined ? undefined : utilization * limit;
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
