import type { EventDataMap, SandboxLimits, SandboxTelemetry } from "@sandglass/protocol";
import type { DriverSandbox } from "../drivers/driver.ts";
import type { SandboxEgress } from "../egress/sandbox-egress.ts";
import type { CostRates } from "./sampling-options.ts";
import { type Reading, UsageMeter } from "./usage-meter.ts";

/** Long enough that costs are few beside samples, short enough that a crash of the daemon loses next to nothing. */
const COST_EVERY_MS = 60_000;

/** What is sampled. */
export interface Sampled {
  readonly id: string;
  readonly limits: Pick<SandboxLimits, "vcpu" | "memoryMb">;
  readonly driver: Pick<DriverSandbox, "usage" | "disk">;
  /** Its way out; undefined where it has none. */
  readonly egress?: Pick<SandboxEgress, "counts"> | undefined;
  /** What it has sent with OpenTelemetry; undefined where that is nothing. */
  readonly telemetry?: SandboxTelemetry | undefined;
}

/** Records an event of the sandbox. */
export type SaySample = <T extends "resource.sample" | "cost.runtime">(
  type: T,
  data: EventDataMap[T],
) => Promise<void>;

/** The samples of one sandbox, from its first on. */
export class SandboxSamples {
  readonly #sandbox: Sampled;
  readonly #tell: SaySample;
  readonly #hasDisk: boolean;
  readonly #meter: UsageMeter;
  #costAtMs: number;
  #saying: Promise<void> = Promise.resolve();
  /** Costs that wait for the log to have room. */
  #waiting = 0;
  #hasWarned = false;

  /** @param options.hasDisk whether sandboxes have disks of their own on this host */
  constructor(sandbox: Sampled, say: SaySample, { rates, hasDisk }: { rates: CostRates; hasDisk: boolean }) {
    this.#sandbox = sandbox;
    this.#tell = say;
    this.#hasDisk = hasDisk;
    const first = this.#read(undefined);
    this.#meter = new UsageMeter(sandbox.limits, rates, first);
    this.#costAtMs = first.atMs;
    this.#say(first);
  }

  /** `performance.now()` of the last. */
  get lastMs(): number {
    return this.#meter.last.atMs;
  }

  /** Takes one. Never throws and never waits. */
  take(): void {
    const reading = this.#read(this.#meter.last);
    this.#say(reading);
    // One that cannot be recorded now is not to have others wait behind it: the next has it all.
    if (reading.atMs - this.#costAtMs < COST_EVERY_MS || this.#waiting > 0) return;
    this.#sayCost();
  }

  /** Takes the last; resolves when the costs are recorded. */
  end(): Promise<void> {
    this.#say(this.#read(this.#meter.last));
    this.#sayCost();
    return this.#saying;
  }

  #say(reading: Reading): void {
    // A sample for which there is no room is gone; the next one says how things are then.
    this.#tell("resource.sample", this.#meter.sample(reading)).catch(() => {});
  }

  #sayCost(): void {
    this.#costAtMs = this.#meter.last.atMs;
    this.#waiting++;
    const said = this.#tell("cost.runtime", this.#meter.cost()).then(
      () => void this.#waiting--,
      (error: Error) => this.#warn(`a cost was not recorded: ${error.message}`),
    );
    this.#saying = Promise.all([this.#saying, said]).then(() => {});
  }

  /** Where it cannot be read, which nothing but its end brings about, it is taken to be as it was. */
  #read(last: Reading | undefined): Reading {
    const atMs = performance.now();
    try {
      const { driver, egress, telemetry } = this.#sandbox;
      const disk = this.#hasDisk ? driver.disk() : undefined;
      const used = disk && { usedBytes: disk.sizeBytes - disk.freeBytes, sizeBytes: disk.sizeBytes };
      return { ...driver.usage(), atMs, disk: used ?? last?.disk, egress: egress?.counts(), telemetry };
    } catch (error) {
      this.#warn(`it could not be sampled: ${(error as Error).message}`);
      const nothing = { cpuMs: 0, throttledMs: 0, memoryBytes: 0, pids: 0, oomKills: 0, disk: undefined };
      return { ...(last ?? nothing), atMs };
    }
  }

  #warn(what: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    process.emitWarning(`sandbox ${this.#sandbox.id}: ${what}`, { code: "SANDGLASS_SAMPLE" });
  }
}
