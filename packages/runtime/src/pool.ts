import type { Isolation, SandboxLimits } from "@sandglass/protocol";
import { newSandboxId } from "@sandglass/protocol";
import { resolveLimits } from "./limits.ts";
import { Machine, type MachineHost } from "./machine.ts";
import type { Template } from "./templates.ts";
import type { RuntimeOptions } from "./types.ts";

const RETRY_MS = 2000;

interface Shelf {
  template: Template;
  ready: Machine[];
  filling: number;
  hits: number;
  misses: number;
  problem: string | undefined;
}

/** Ready sandboxes, a shelf per template, refilled in the background one at a time. */
export class Pool {
  readonly #host: MachineHost;
  readonly #defaults: RuntimeOptions["defaults"];
  readonly #shelves = new Map<string, Shelf>();
  #tail: Promise<void> = Promise.resolve();
  #isClosed = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(host: MachineHost, templates: readonly Template[], defaults: RuntimeOptions["defaults"]) {
    this.#host = host;
    this.#defaults = defaults;
    for (const template of templates) {
      this.#shelves.set(template.name, {
        template,
        ready: [],
        filling: 0,
        hits: 0,
        misses: 0,
        problem: undefined,
      });
    }
    this.refill();
  }

  /** A ready sandbox of this template with these limits, or undefined. Whoever takes it refills when its own work is done. */
  async take(template: Template, isolation: Isolation, limits: SandboxLimits): Promise<Machine | undefined> {
    const shelf = this.#shelves.get(template.name) as Shelf;
    for (;;) {
      // A disk has its size from the beginning, and memory in use cannot be limited away.
      const fits = ({ limits: has, isGone, isolation: behind, driver }: Machine): boolean =>
        !isGone &&
        behind === isolation &&
        has.diskMb === limits.diskMb &&
        has.memoryMb <= limits.memoryMb &&
        (!driver.hasFixedPids || has.maxPids === limits.maxPids);
      const index = shelf.ready.findIndex(fits);
      const [machine] = index === -1 ? [] : shelf.ready.splice(index, 1);
      if (machine === undefined) {
        shelf.misses++;
        return undefined;
      }
      try {
        machine.driver.setLimits(limits);
        machine.limits = limits;
        shelf.hits++;
        return machine;
      } catch (error) {
        process.emitWarning(`a pooled sandbox did not take its limits: ${(error as Error).message}`);
        await machine.destroy();
      }
    }
  }

  refill(): void {
    for (const shelf of this.#shelves.values()) {
      while (!this.#isClosed && shelf.ready.length + shelf.filling < shelf.template.poolSize) {
        shelf.filling++;
        this.#tail = this.#tail.then(() => this.#fill(shelf));
      }
    }
  }

  stats(): Record<string, { ready: number; target: number; hits: number; misses: number; problem?: string }> {
    return Object.fromEntries(
      [...this.#shelves].map(([name, { ready, template, hits, misses, problem }]) => [
        name,
        {
          ready: ready.length,
          target: template.poolSize,
          hits,
          misses,
          ...(problem === undefined ? {} : { problem }),
        },
      ]),
    );
  }

  /** Resolves when every shelf is full or has a problem to tell. */
  async filled(): Promise<void> {
    await this.#tail;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#tail;
    const machines = [...this.#shelves.values()].flatMap((shelf) => shelf.ready.splice(0));
    await Promise.all(machines.map((machine) => machine.destroy()));
  }

  async #fill(shelf: Shelf): Promise<void> {
    try {
      if (this.#isClosed) return;
      const { template } = shelf;
      const isolation = template.isolation ?? this.#host.drivers.defaultIsolation;
      const limits = resolveLimits({}, template, this.#defaults);
      const machine = await Machine.boot(newSandboxId(), { template, isolation, limits }, this.#host);
      try {
        await machine.prepare();
      } catch (error) {
        await machine.destroy();
        throw error;
      }
      machine.onGone = () => {
        shelf.ready = shelf.ready.filter((other) => other !== machine);
        this.#discard(machine);
        this.refill();
      };
      shelf.ready.push(machine);
      shelf.problem = undefined;
    } catch (error) {
      shelf.problem = (error as Error).message;
      // Whoever asks for a sandbox meanwhile gets the same error, or a sandbox of the cold way.
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.refill();
      }, RETRY_MS).unref();
    } finally {
      shelf.filling--;
    }
  }

  #discard(machine: Machine): void {
    machine.destroy().catch((error: Error) => {
      process.emitWarning(`a pooled sandbox could not be given back: ${error.message}`, {
        code: "SANDGLASS_POOL",
      });
    });
  }
}
