import type { EventDataMap, SandboxLimits, SandboxTelemetry } from "@sandglass/protocol";
import { roundMs } from "../duration.ts";
import type { EgressCounts } from "../egress/sandbox-egress.ts";
import type { SandboxUsage } from "../host/sandbox-counts.ts";
import type { CostRates } from "./sampling-options.ts";

type Sample = EventDataMap["resource.sample"];

const MIB = 1024 * 1024;
const MB_IN_GB = 1024;
const HOUR_MS = 3_600_000;

/** Everything that is read of a sandbox at one moment. */
export interface Reading extends SandboxUsage {
  /** `performance.now()` of it. */
  atMs: number;
  /** Undefined where it has no disk of its own. */
  disk: { usedBytes: number; sizeBytes: number } | undefined;
  /** Undefined where it has no way out. */
  egress?: EgressCounts | undefined;
  /** Undefined where it has sent nothing. */
  telemetry?: SandboxTelemetry | undefined;
}

/**
 * Makes samples and costs of readings. What the sandbox did before the first, when it was nobody's yet, is in neither: booting and
 * warming up are the pool's.
 */
export class UsageMeter {
  readonly #limits: Pick<SandboxLimits, "vcpu" | "memoryMb">;
  readonly #rates: CostRates;
  readonly #first: Reading;
  #last: Reading;
  /** In all costs so far. */
  #cost = { cpuMs: 0, memoryMbMs: 0 };

  constructor(limits: Pick<SandboxLimits, "vcpu" | "memoryMb">, rates: CostRates, first: Reading) {
    this.#limits = limits;
    this.#rates = rates;
    this.#first = first;
    this.#last = first;
  }

  /** The newest. */
  get last(): Reading {
    return this.#last;
  }

  sample(reading: Reading): EventDataMap["resource.sample"] {
    const { vcpu, memoryMb } = this.#limits;
    const elapsedMs = reading.atMs - this.#last.atMs;
    const usedMs = reading.cpuMs - this.#last.cpuMs;
    this.#last = reading;
    return {
      // The kernel counts at other moments than the clock is read: over short times more than all seems to have been used.
      cpuUtilization: elapsedMs > 0 ? round(Math.min(1, Math.max(0, usedMs / elapsedMs / vcpu))) : 0,
      memoryUsageBytes: reading.memoryBytes,
      memoryLimitBytes: memoryMb * MIB,
      diskUsageBytes: reading.disk?.usedBytes ?? 0,
      diskLimitBytes: reading.disk?.sizeBytes ?? 0,
      pids: reading.pids,
      oomKills: reading.oomKills - this.#first.oomKills,
      cpuMs: roundMs(reading.cpuMs - this.#first.cpuMs),
      throttledMs: roundMs(reading.throttledMs - this.#first.throttledMs),
      cpuLimit: vcpu,
      uptimeMs: roundMs(reading.atMs - this.#first.atMs),
      ...(reading.egress !== undefined && egressOf(reading.egress)),
      ...(reading.telemetry !== undefined && { telemetry: reading.telemetry }),
    };
  }

  /** What came up from the last cost until the last sample. */
  cost(): EventDataMap["cost.runtime"] {
    const total = {
      cpuMs: roundMs(this.#last.cpuMs - this.#first.cpuMs),
      memoryMbMs: Math.round(this.#limits.memoryMb * (this.#last.atMs - this.#first.atMs)),
    };
    const cpuMs = roundMs(total.cpuMs - this.#cost.cpuMs);
    const memoryMbMs = total.memoryMbMs - this.#cost.memoryMbMs;
    this.#cost = total;
    const { cpuHourUsd, memoryGbHourUsd } = this.#rates;
    const costUsd = (cpuMs * cpuHourUsd + (memoryMbMs / MB_IN_GB) * memoryGbHourUsd) / HOUR_MS;
    return { cpuMs, memoryMbMs, costUsd };
  }
}

function egressOf({ bytesIn, bytesOut, connections, denied }: EgressCounts): Partial<Sample> {
  return {
    egressBytesIn: bytesIn,
    egressBytesOut: bytesOut,
    egressConnections: connections,
    egressDenied: denied,
  };
}

/** Six decimals: of a ratio nobody needs more, and every byte is kept for as long as the record. */
function round(ratio: number): number {
  return Math.round(ratio * 1e6) / 1e6;
}
