import type { Check, Isolation } from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import { hostChecks } from "../host/checks.ts";
import { bubblewrapWall } from "./bubblewrap.ts";
import { crunWall } from "./crun.ts";
import type { SandboxDriver } from "./driver.ts";
import { gvisorWall } from "./gvisor.ts";
import { HelperDriver, missingProgram } from "./helper-driver.ts";
import { probeDriver } from "./probe-driver.ts";
import { SandboxHost, type SandboxHostOptions } from "./sandbox-host.ts";
import type { Wall } from "./wall.ts";

/** Each way to isolate, the best first where there are several. */
const WALLS: Partial<Record<Isolation, () => Wall[]>> = {
  bubblewrap: () => [bubblewrapWall()],
  crun: () => [crunWall()],
  gvisor: () => [gvisorWall("systrap"), gvisorWall("ptrace")],
};

/** All drivers of a daemon, on one host. One that is not the default is tried by a sandbox of its own before its first is given away. */
export class Drivers {
  readonly defaultIsolation: Isolation;
  readonly #host: SandboxHost;
  readonly #found = new Map<Isolation, Promise<SandboxDriver>>();

  private constructor(host: SandboxHost, defaultIsolation: Isolation) {
    this.#host = host;
    this.defaultIsolation = defaultIsolation;
  }

  /** Throws UNSUPPORTED_ON_HOST where the host, or the default way to isolate on it, is none to run sandboxes on. */
  static async start(options: SandboxHostOptions & { isolation?: Isolation | undefined }): Promise<Drivers> {
    const { isolation = "bubblewrap" } = options;
    const missing = wallsOf(isolation).find((wall) => wall.program() === undefined);
    if (missing !== undefined) throw missingProgram(missing);
    const drivers = new Drivers(await SandboxHost.start(options), isolation);
    try {
      await drivers.get(isolation);
      return drivers;
    } catch (error) {
      await drivers.close();
      throw error;
    }
  }

  /** Sandboxes have disks of their own. */
  get hasDisks(): boolean {
    return this.#host.hasDisks;
  }

  /** How often the native helper went and another took its place. */
  get helperRestarts(): number {
    return this.#host.minders.restarts;
  }

  /** Throws UNSUPPORTED_ON_HOST, with what to do about it. Asked again, it looks again. */
  get(isolation: Isolation = this.defaultIsolation): Promise<SandboxDriver> {
    let found = this.#found.get(isolation);
    if (found === undefined) {
      found = this.#find(isolation);
      found.catch(() => this.#found.delete(isolation));
      this.#found.set(isolation, found);
    }
    return found;
  }

  /** What of this host matters to isolation; each way to isolate is tried by a sandbox. */
  async checks(): Promise<Check[]> {
    const checks = await hostChecks(this.#host.layout, this.#host.user?.mapping);
    for (const isolation of Object.keys(WALLS) as Isolation[]) checks.push(await this.#check(isolation));
    return checks;
  }

  async close(): Promise<void> {
    const drivers = await Promise.allSettled(this.#found.values());
    await Promise.all(drivers.map((driver) => driver.status === "fulfilled" && driver.value.close()));
    await this.#host.close();
  }

  async #find(isolation: Isolation): Promise<SandboxDriver> {
    const walls = wallsOf(isolation);
    // The default of defaults is not tried: every sandbox does, and the first should not wait.
    if (isolation === "bubblewrap") return new HelperDriver(this.#host, bubblewrapWall());
    let failure: unknown;
    for (const wall of walls) {
      if (wall.program() === undefined) throw missingProgram(wall);
      const driver = new HelperDriver(this.#host, wall);
      try {
        await probeDriver(driver);
        return driver;
      } catch (error) {
        failure = error;
      }
    }
    throw new SandglassError(
      "UNSUPPORTED_ON_HOST",
      `isolation "${isolation}" does not work on this host: ${(failure as Error).message}`,
      { hint: "run `sandglass doctor`", cause: failure },
    );
  }

  async #check(isolation: Isolation): Promise<Check> {
    const name = `isolation ${isolation}`;
    try {
      const driver = await this.get(isolation);
      const bootMs = await probeDriver(driver);
      const missing = driver.unenforced.map(({ limit }) => limit);
      const limits = missing.length === 0 ? "every limit enforced" : `not enforced: ${missing.join(", ")}`;
      return { name, status: "ok", detail: `a sandbox ran after ${Math.round(bootMs)} ms; ${limits}` };
    } catch (error) {
      const { message, hint } = error as SandglassError;
      return {
        name,
        status: isolation === this.defaultIsolation ? "error" : "warn",
        detail: message,
        ...(hint === undefined ? {} : { hint }),
      };
    }
  }
}

function wallsOf(isolation: Isolation): Wall[] {
  const walls = WALLS[isolation];
  if (walls !== undefined) return walls();
  throw new SandglassError("UNSUPPORTED_ON_HOST", `there is no isolation "${isolation}" here`, {
    hint: `known: ${Object.keys(WALLS).join(", ")}`,
  });
}
