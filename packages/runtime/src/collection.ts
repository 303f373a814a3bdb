import { setTimeout as delay } from "node:timers/promises";
import { type SandboxTelemetry, SandglassError } from "@sandglass/protocol";
import type { SandboxCollector, SandboxSockets, TelemetryOwner } from "./collector.ts";
import type { DriverSandbox } from "./drivers/driver.ts";
import { COLLECTOR_PORTS } from "./telemetry-environment.ts";

const ATTACH_TIMEOUT_MS = 15_000;
/** What the collector has read by then is in its log; a slow one goes on behind the sandbox's end. */
const DETACH_GRACE_MS = 250;

/** One sandbox's telemetry: attached when it is made, claimed by its owner, detached when its processes are gone. */
export class Collection {
  readonly #collector: SandboxCollector;
  readonly #sandboxId: string;
  readonly #attaching: Promise<void>;
  #detached: Promise<void> | undefined;
  /** Of a sandbox that is detached, or about to be. */
  #sent: SandboxTelemetry | undefined;

  /** Begins to attach; {@link attached} tells how that went. */
  constructor(collector: SandboxCollector, sandboxId: string, driver: DriverSandbox) {
    this.#collector = collector;
    this.#sandboxId = sandboxId;
    this.#attaching = collector.attach(sandboxId, () => openSockets(driver));
    this.#attaching.catch(() => {}); // whoever made it awaits it
  }

  /** Rejects with DRIVER_ERROR where the sandbox is not served. */
  async attached(): Promise<void> {
    const late = new AbortController();
    const tooLate = async (): Promise<never> => {
      await delay(ATTACH_TIMEOUT_MS, undefined, { signal: late.signal });
      throw new Error(`it was not served within ${ATTACH_TIMEOUT_MS / 1000} s`);
    };
    try {
      await Promise.race([this.#attaching, tooLate()]);
    } catch (error) {
      throw driverError("the collector of telemetry could not be put into the sandbox", error);
    } finally {
      late.abort();
    }
  }

  /** Rejects with what the collector says to the caller, else with DRIVER_ERROR. */
  async claim(owner: TelemetryOwner): Promise<void> {
    try {
      await this.#collector.claim(this.#sandboxId, owner);
    } catch (error) {
      if (error instanceof SandglassError) throw error;
      throw driverError("the collector of telemetry did not take the sandbox's owner", error);
    }
  }

  /** What it has sent so far; undefined where that is nothing. */
  get telemetry(): SandboxTelemetry | undefined {
    return this.#sent ?? this.#collector.telemetryOf?.(this.#sandboxId);
  }

  /** Resolves when all that it had sent is taken. Never rejects. Idempotent. */
  detach(): Promise<void> {
    this.#detached ??= this.#detach();
    return this.#detached;
  }

  /**
   * As {@link detach}, for an ending that is waited for: what was sent last comes before the end in all but the worst case, and no
   * collector, however slow, keeps a sandbox from having ended.
   */
  async detachSoon(): Promise<void> {
    const late = new AbortController();
    const grace = delay(DETACH_GRACE_MS, undefined, { signal: late.signal }).catch(() => {}); // it was quicker
    await Promise.race([this.detach(), grace]);
    late.abort();
  }

  async #detach(): Promise<void> {
    // One that is still being attached is served a moment later, and nobody would end that.
    await this.#attaching.catch(() => {});
    this.#sent = this.telemetry;
    try {
      this.#sent = (await this.#collector.detach(this.#sandboxId)) ?? this.#sent;
    } catch (error) {
      process.emitWarning(
        `telemetry of sandbox ${this.#sandboxId} may be missing: ${(error as Error).message}`,
        { code: "SANDGLASS_COLLECTOR" },
      );
    }
  }
}

async function openSockets(driver: DriverSandbox): Promise<SandboxSockets> {
  const [http, grpc] = await driver.listen([COLLECTOR_PORTS.http, COLLECTOR_PORTS.grpc]);
  return { http: http as object, grpc: grpc as object };
}

function driverError(message: string, cause: unknown): SandglassError {
  return new SandglassError("DRIVER_ERROR", `${message}: ${(cause as Error).message}`, { cause });
}
