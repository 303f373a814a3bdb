import { join } from "node:path";
import type {
  CallContext,
  Cause,
  Check,
  CreateSandboxRequest,
  SandboxDiff,
  SandboxInfo,
} from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import { Drivers } from "./drivers/drivers.ts";
import { EgressProxy } from "./egress/egress-proxy.ts";
import { sandboxNetwork } from "./egress/sandbox-network.ts";
import type { EndedSandbox } from "./ended-sandbox.ts";
import { EndedSandboxes } from "./ended-sandboxes.ts";
import { fork } from "./fork.ts";
import { diff, merge } from "./forked-files.ts";
import { resolveLimits } from "./limits.ts";
import type { Machine, MachineHost } from "./machine.ts";
import { wantedLines } from "./output/lines/wanted-lines.ts";
import { OutputStore, type SealedOutput } from "./output/output-store.ts";
import { Pool } from "./pool.ts";
import { Sampler } from "./samples/sampler.ts";
import type { Sandbox } from "./sandbox.ts";
import { sandboxEnded } from "./sandbox-ended.ts";
import { SandboxMaker } from "./sandbox-maker.ts";
import { stopping } from "./stopping.ts";
import { telemetryOwner } from "./telemetry-owner.ts";
import { Templates } from "./templates.ts";
import type { RuntimeApi, RuntimeOptions, SandboxHandle } from "./types.ts";

const DEFAULT_MAX_SANDBOXES = 200;
const DEFAULT_OUTPUT_BYTES = 2 * 1024 ** 3;
const PRUNE_EVERY_MS = 30_000;

/** How code is run on this host: sandboxes on a driver, behind a warm pool. */
export class Runtime implements RuntimeApi {
  readonly #options: RuntimeOptions;
  readonly #drivers: Drivers;
  readonly #host: MachineHost;
  readonly #templates: Templates;
  readonly #pool: Pool;
  readonly #outputs: OutputStore;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #ended = new EndedSandboxes();
  readonly #sampler: Sampler | undefined;
  readonly #proxy: EgressProxy;
  readonly #releasing = new Set<Promise<void>>();
  readonly #maker: SandboxMaker;
  readonly #pruning: NodeJS.Timeout;
  #reserved = 0;
  readonly #forks = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  private constructor(options: RuntimeOptions, drivers: Drivers, templates: Templates) {
    this.#options = options;
    this.#drivers = drivers;
    this.#host = { drivers, collector: options.collector };
    this.#templates = templates;
    this.#proxy = new EgressProxy(options.upstreamProxy);
    this.#outputs = new OutputStore(
      join(options.dataDir, "output"),
      options.outputRetentionBytes ?? DEFAULT_OUTPUT_BYTES,
    );
    this.#sampler = options.sampling && new Sampler(options.sampling, drivers.hasDisks);
    this.#pool = new Pool(this.#host, templates.all(), options.defaults);
    this.#maker = new SandboxMaker({
      options,
      host: this.#host,
      pool: this.#pool,
      proxy: this.#proxy,
      outputs: this.#outputs,
      sampler: this.#sampler,
      isClosing: () => this.#isClosing,
      onEnded: (ended, machine) => this.#onEnded(ended, machine),
    });
    this.#pruning = setInterval(() => void this.#prune(), PRUNE_EVERY_MS).unref();
  }

  /**
   * Clears what an earlier run left on the host, starts the driver and begins to fill the pool.
   * Throws UNSUPPORTED_ON_HOST, DRIVER_ERROR, INVALID_REQUEST (a template that cannot be).
   */
  static async start(options: RuntimeOptions): Promise<Runtime> {
    const templates = new Templates(options.templates);
    const { dataDir, isolation } = options;
    const drivers = await Drivers.start({ dataDir, mountPoints: templates.mountPoints(), isolation });
    return new Runtime(options, drivers, templates);
  }

  async create(
    request: CreateSandboxRequest,
    caller: CallContext,
    options: { isTrusted?: boolean; isPooled?: boolean } = {},
  ): Promise<SandboxHandle> {
    const started = performance.now();
    if (this.#isClosing) throw stopping();
    const template = this.#templates.get(request.template ?? "python");
    const isolation = request.isolation ?? template.isolation ?? this.#drivers.defaultIsolation;
    await this.#drivers.get(isolation); // refused here where there is none: nothing has begun that could fail
    this.#reserve(1)(); // held by nobody: what is made below is counted at once
    const context = { ...caller, runId: request.runId ?? caller.runId };
    const limits = resolveLimits(request, template, this.#options.defaults);
    const owner = telemetryOwner(request, template, context, this.#options, options.isTrusted ?? false);
    const takeLines = wantedLines(request, template, this.#options.onLines);
    const network = sandboxNetwork(request, template, options.isTrusted ?? false);
    const wanted = { request, template, isolation, owner, takeLines, limits, network, context, started };
    const sandbox = await this.#maker.make(
      { ...wanted, isPooled: options.isPooled ?? true, lineage: [] },
      (made) => this.#sandboxes.set(made.id, made),
    );
    try {
      await sandbox.begin();
    } catch (error) {
      this.#sandboxes.delete(sandbox.id);
      await sandbox.abandon();
      throw error;
    } finally {
      // After the answer: filling the pool costs what a create costs.
      setTimeout(() => this.#pool.refill(), 20).unref();
    }
    return sandbox;
  }

  async fork(sandbox: SandboxHandle, count: number, context: CallContext): Promise<SandboxHandle[]> {
    if (this.#isClosing) throw stopping();
    const forking = fork(this.#running(sandbox), count, context, {
      maker: this.#maker,
      closing: this.#closing.signal,
      reserve: (wanted) => this.#reserve(wanted),
      onMade: (child) => this.#sandboxes.set(child.id, child),
      onAbandoned: (child) => this.#sandboxes.delete(child.id),
    });
    this.#forks.add(forking);
    return forking.finally(() => this.#forks.delete(forking));
  }

  async diff(sandbox: SandboxHandle, against: SandboxHandle): Promise<SandboxDiff> {
    return diff(this.#running(sandbox), this.#running(against));
  }

  async merge(sandbox: SandboxHandle, winner: SandboxHandle, context: CallContext): Promise<void> {
    await merge(this.#running(sandbox), this.#running(winner), context);
  }

  get(id: string, orgId: string): SandboxHandle {
    const sandbox = this.#sandboxes.get(id) ?? this.#ended.get(id);
    if (sandbox === undefined || sandbox.orgId !== orgId) {
      throw new SandglassError("SANDBOX_NOT_FOUND", `there is no sandbox ${id}`, {
        hint: "list them with `sandglass ps --all`",
      });
    }
    return sandbox;
  }

  list(orgId: string, options: { ended?: boolean } = {}): SandboxInfo[] {
    const ended: Iterable<SandboxHandle> = options.ended === true ? this.#ended.values() : [];
    const all = [...ended, ...this.#sandboxes.values()];
    const own = all.filter((sandbox) => sandbox.orgId === orgId).map((sandbox) => sandbox.info());
    return own.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  }

  readOutput(
    sandboxId: string,
    execId: string,
    after?: number,
    signal?: AbortSignal,
  ): AsyncIterable<string> | undefined {
    const sandbox = this.#sandboxes.get(sandboxId);
    const running = sandbox?.execs().find((exec) => exec.id === execId && exec.state !== "completed");
    if (sandbox !== undefined && running !== undefined) {
      const behind = after === undefined ? {} : { after };
      return sandbox.getExec(execId).lines({ ...behind, ...(signal !== undefined && { signal }) });
    }
    return this.#outputs.read(sandboxId, execId, after, signal);
  }

  sealOutput(
    sandboxId: string,
    execId: string,
    ending: { code: number; cause: Cause; durationMs: number },
  ): Promise<SealedOutput> {
    return this.#outputs.seal(sandboxId, execId, ending);
  }

  async forget(sandboxId: string): Promise<number> {
    if (this.#sandboxes.has(sandboxId)) return 0;
    this.#ended.delete(sandboxId);
    await Promise.all([...this.#releasing]);
    return this.#outputs.remove(sandboxId);
  }

  async checks(): Promise<Check[]> {
    const problems = Object.entries(this.#pool.stats()).flatMap(([name, { problem }]) =>
      problem === undefined ? [] : [{ name: `pool ${name}`, status: "error" as const, detail: problem }],
    );
    return [...(await this.#drivers.checks()), ...problems];
  }

  stats(): ReturnType<RuntimeApi["stats"]> {
    const sandboxes: Record<string, number> = {};
    let runningExecs = 0;
    for (const sandbox of this.#sandboxes.values()) {
      const { state } = sandbox.info();
      sandboxes[state] = (sandboxes[state] ?? 0) + 1;
      runningExecs += sandbox.runningExecs;
    }
    const { helperRestarts } = this.#drivers;
    return { pool: this.#pool.stats(), sandboxes, runningExecs, helperRestarts };
  }

  /** Resolves when the pool is full. */
  ready(): Promise<void> {
    return this.#pool.filled();
  }

  async close(cause: Cause, deadlineMs: number): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#pruning);
    const work = async (): Promise<void> => {
      await Promise.allSettled([this.#maker.settled(), ...this.#forks]);
      await Promise.all(
        [...this.#sandboxes.values()].map((sandbox) => sandbox.terminate(cause, sandbox.ownContext())),
      );
      await Promise.all([...this.#releasing]);
      await this.#pool.close();
      await Promise.all([this.#drivers.close(), this.#proxy.close()]);
    };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new SandglassError("INTERNAL", `the sandboxes did not end within ${deadlineMs} ms`)),
        deadlineMs,
      );
    });
    await Promise.race([work(), late]).finally(() => clearTimeout(timer));
  }

  #running(handle: SandboxHandle): Sandbox {
    const sandbox = this.#sandboxes.get(handle.id);
    if (sandbox === undefined) throw sandboxEnded(handle.id, handle.info().cause);
    return sandbox;
  }

  /** Throws SANDBOX_LIMIT_REACHED where not all of them find room. */
  #reserve(count: number): (some?: number) => void {
    const maximum = this.#options.maxSandboxes ?? DEFAULT_MAX_SANDBOXES;
    const taken = this.#sandboxes.size + this.#maker.count + this.#reserved;
    if (taken + count > maximum) {
      const words = count === 1 ? `${maximum} sandboxes run already` : `${taken} of ${maximum} sandboxes run`;
      const hint = "terminate some, or raise maxSandboxes";
      throw new SandglassError("SANDBOX_LIMIT_REACHED", words, { hint });
    }
    let left = count;
    this.#reserved += left;
    return (some = left) => {
      left -= some;
      this.#reserved -= some;
    };
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  #onEnded(sandbox: EndedSandbox, machine: Machine): void {
    this.#sandboxes.delete(sandbox.id);
    this.#ended.add(sandbox);
    const released = machine.release().catch((error: Error) => {
      process.emitWarning(`sandbox ${sandbox.id} could not be given back to the host: ${error.message}`, {
        code: "SANDGLASS_RELEASE",
      });
    });
    this.#releasing.add(released);
    void released.then(() => this.#releasing.delete(released));
  }

  async #prune(): Promise<void> {
    try {
      await this.#outputs.prune(new Set(this.#sandboxes.keys()));
    } catch (error) {
      process.emitWarning(`old exec output could not be removed: ${(error as Error).message}`, {
        code: "SANDGLASS_OUTPUT",
      });
    }
  }
}
