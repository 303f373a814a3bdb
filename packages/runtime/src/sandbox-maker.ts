import type { CallContext, CreateSandboxRequest, SandboxSource } from "@sandglass/protocol";
import { newSandboxId } from "@sandglass/protocol";
import { recordBootFailure } from "./boot-failure.ts";
import type { TelemetryOwner } from "./collector.ts";
import { msSince } from "./duration.ts";
import type { EgressProxy } from "./egress/egress-proxy.ts";
import type { SandboxNetwork } from "./egress/sandbox-network.ts";
import type { EndedSandbox } from "./ended-sandbox.ts";
import type { Ancestor } from "./lineage.ts";
import { Machine, type MachineHost, type MachineWish } from "./machine.ts";
import type { TakeLines } from "./output/lines/output-lines.ts";
import type { OutputStore } from "./output/output-store.ts";
import type { Pool } from "./pool.ts";
import type { Sampler } from "./samples/sampler.ts";
import { Sandbox } from "./sandbox.ts";
import { stopping } from "./stopping.ts";
import type { RuntimeOptions } from "./types.ts";

/** A sandbox that somebody asked for, decided in every point. */
export interface SandboxWish extends MachineWish {
  request: CreateSandboxRequest;
  owner: TelemetryOwner;
  takeLines: TakeLines | undefined;
  network: SandboxNetwork | undefined;
  context: CallContext;
  /** When it was asked for, of `performance.now()`. */
  started: number;
  /** It may be one of the warm pool. */
  isPooled: boolean;
  lineage: readonly Ancestor[];
}

interface MakerParts {
  options: Pick<RuntimeOptions, "emit" | "recordOutput">;
  host: MachineHost;
  pool: Pool;
  proxy: EgressProxy;
  outputs: OutputStore;
  sampler: Sampler | undefined;
  isClosing(): boolean;
  onEnded(sandbox: EndedSandbox, machine: Machine): void;
}

/** Makes sandboxes, from the pool or booted for them. What is made has not begun: nothing is recorded of it yet. */
export class SandboxMaker {
  readonly #parts: MakerParts;
  readonly #making = new Set<Promise<unknown>>();

  constructor(parts: MakerParts) {
    this.#parts = parts;
  }

  /** Those under way. */
  get count(): number {
    return this.#making.size;
  }

  /** Resolves when those under way have been made, or not. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#making]);
  }

  /** @param onMade called at once when it is there, before it is counted no more among those under way */
  make(wish: SandboxWish, onMade: (sandbox: Sandbox) => void): Promise<Sandbox> {
    const made = this.#make(wish).then((sandbox) => {
      onMade(sandbox);
      return sandbox;
    });
    this.#making.add(made);
    return made
      .catch((error: unknown) => {
        throw this.#parts.isClosing() ? stopping() : error;
      })
      .finally(() => this.#making.delete(made));
  }

  async #make(wish: SandboxWish): Promise<Sandbox> {
    const { pool, outputs, options, sampler, proxy, onEnded } = this.#parts;
    const { request, template, isolation, owner, takeLines, limits, network, context, started } = wish;
    const pooled = wish.isPooled ? await pool.take(template, isolation, limits) : undefined;
    const machine = pooled ?? (await this.#boot(wish, context));
    if (this.#parts.isClosing()) {
      await machine.destroy();
      throw stopping();
    }
    return new Sandbox({
      machine,
      request,
      owner,
      limits,
      network,
      proxy,
      source: sourceOf(wish, pooled),
      lineage: wish.lineage,
      context,
      emit: options.emit,
      sampler,
      takeLines,
      segment: options.recordOutput === false ? undefined : outputs.open(machine, request),
      createMs: msSince(started),
      onEnded: (ended) => onEnded(ended, machine),
    });
  }

  async #boot(wish: MachineWish, context: CallContext): Promise<Machine> {
    const id = newSandboxId();
    try {
      const machine = await Machine.boot(id, wish, this.#parts.host);
      // What a template's warm-up defines must be there whether the pool had one or not.
      if (wish.template.warmup !== undefined) {
        await machine.prepare().catch(async (error: Error) => {
          await machine.destroy();
          throw error;
        });
      }
      return machine;
    } catch (error) {
      throw await recordBootFailure(this.#parts.options.emit, id, context, error);
    }
  }
}

function sourceOf({ snapshot }: SandboxWish, pooled: Machine | undefined): SandboxSource {
  if (snapshot !== undefined) return "snapshot";
  return pooled === undefined ? "on_demand" : "pool";
}
