import type {
  Isolation,
  Language,
  SandboxLimits,
  SandboxTelemetry,
  UnenforcedLimit,
} from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import { AgentConnection } from "./agent/connection.ts";
import { Collection } from "./collection.ts";
import type { SandboxCollector, TelemetryOwner } from "./collector.ts";
import type { DriverSandbox } from "./drivers/driver.ts";
import type { Drivers } from "./drivers/drivers.ts";
import { withEgress } from "./egress/egress-environment.ts";
import type { SandboxEgress } from "./egress/sandbox-egress.ts";
import { Context } from "./exec/context.ts";
import { Exec } from "./exec/exec.ts";
import { Interpreter } from "./exec/interpreter.ts";
import { Runners } from "./exec/runner.ts";
import type { DiskSnapshot } from "./host/disk-copy.ts";
import { instrumentedEnvironment } from "./instrument/instrumented-environment.ts";
import { withTelemetry } from "./telemetry-environment.ts";
import { baseEnvironment, type Template } from "./templates.ts";

const AGENT_TIMEOUT_MS = 15_000;
/** A disk with less room than a 32nd of it is full: a file system reserves some for each large write and gives the last of it to nobody. */
const FULL_PART = 32;
const FULL_BYTES = { least: 64 * 1024, most: 4 * 1024 * 1024 };
const DEFAULT_CONTEXT = "default";

/** What every machine of a runtime is made with. */
export interface MachineHost {
  drivers: Drivers;
  /** Takes its telemetry; undefined where nobody does. */
  collector: SandboxCollector | undefined;
}

/** What a machine is to be. */
export interface MachineWish {
  template: Template;
  isolation: Isolation;
  limits: SandboxLimits;
  /** Of another's disk; default an empty one. */
  snapshot?: DiskSnapshot | undefined;
}

/** A booted sandbox without an owner: what the pool keeps, and what a `Sandbox` runs on once it is claimed. */
export class Machine {
  readonly id: string;
  readonly template: Template;
  readonly isolation: Isolation;
  /** Limits that this host, or this way to isolate, cannot enforce. */
  readonly unenforced: readonly UnenforcedLimit[];
  readonly driver: DriverSandbox;
  readonly agent: AgentConnection;
  readonly runners: Runners;
  readonly bootMs: number;
  readonly connectMs: number;
  limits: SandboxLimits;
  /** Its owner's way out; undefined where it has none. */
  egress: SandboxEgress | undefined;
  readonly #collection: Collection | undefined;
  readonly #contexts = new Map<string, Context>();
  /** Called once when it is gone without having been asked; the text says what is known. */
  onGone: ((cause: "oom_killed" | "driver_error", reason: string) => void) | undefined;
  #isGone = false;

  private constructor(parts: {
    id: string;
    template: Template;
    isolation: Isolation;
    unenforced: readonly UnenforcedLimit[];
    driver: DriverSandbox;
    agent: AgentConnection;
    limits: SandboxLimits;
    connectMs: number;
    collection: Collection | undefined;
  }) {
    this.id = parts.id;
    this.template = parts.template;
    this.isolation = parts.isolation;
    this.unenforced = parts.unenforced;
    this.driver = parts.driver;
    this.agent = parts.agent;
    this.limits = parts.limits;
    this.bootMs = parts.driver.bootMs;
    this.connectMs = parts.connectMs;
    this.#collection = parts.collection;
    this.runners = new Runners(parts.agent, parts.driver);
    parts.agent.onClose = (violation) => this.#gone(violation || this.whyGone);
  }

  /** Throws DRIVER_ERROR where the sandbox does not come up, UNSUPPORTED_ON_HOST where it cannot be isolated so. */
  static async boot(id: string, wanted: MachineWish, { drivers, collector }: MachineHost): Promise<Machine> {
    const { template, isolation, limits, snapshot } = wanted;
    const driver = await drivers.get(isolation);
    const { unenforced } = driver;
    const sandbox = await driver.create({ id, limits, mounts: template.mounts, snapshot });
    const started = performance.now();
    const agent = new AgentConnection(sandbox.socket);
    const timer = setTimeout(() => agent.close(), AGENT_TIMEOUT_MS);
    // Beside the agent's coming up, which takes longer.
    const collection = collector && new Collection(collector, id, sandbox);
    try {
      await Promise.all([agent.ready(), collection?.attached()]);
    } catch (error) {
      await sandbox.kill();
      agent.close();
      void collection?.detach();
      const said = sandbox.diagnosis() || sandbox.loss();
      await sandbox.release();
      throw new SandglassError(
        "DRIVER_ERROR",
        `the sandbox did not come up: ${said || (error as Error).message}`,
        {
          hint: "run `sandglass doctor`",
          cause: error,
        },
      );
    } finally {
      clearTimeout(timer);
    }
    const connectMs = sandbox.connectMs + performance.now() - started;
    const made = { driver: sandbox, agent, connectMs, collection };
    return new Machine({ id, template, isolation, unenforced, limits, ...made });
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** For one that went without having been asked. */
  get whyGone(): string {
    return this.driver.loss() || "the sandbox's agent went away";
  }

  /** What the pool does ahead of a claim: a spare runner, the template's interpreters, its warm-up cell. */
  async prepare(): Promise<void> {
    const done = this.agent.watch.wait();
    try {
      await this.#prepare();
    } finally {
      done();
    }
  }

  async #prepare(): Promise<void> {
    await this.runners.ready();
    for (const language of this.template.warm) await this.context(language).warm();
    if (this.template.warmup !== undefined) await this.#warmUp(this.template.warmup);
    this.runners.prepare();
    await this.runners.ready();
  }

  /** The context of a language; a context id belongs to one language each. */
  context(language: Language, id: string = DEFAULT_CONTEXT): Context {
    const key = `${language}/${id}`;
    let context = this.#contexts.get(key);
    if (context === undefined) {
      context = new Context(id, language, {
        startInterpreter: (wanted) => this.#startInterpreter(wanted),
        isDiskFull: () => this.isDiskFull(),
      });
      this.#contexts.set(key, context);
    }
    return context;
  }

  /**
   * The environment of a process: the template's, with these variables over it, and where to send telemetry.
   *
   * @param runId of its owner; "" while it has none
   * @param isInstrumented whether it reports spans of itself; default as the template has it
   */
  environment(
    own: Readonly<Record<string, string>> = {},
    runId = "",
    isInstrumented = this.template.instrument === true,
  ): Record<string, string> {
    const plain = { ...baseEnvironment(this.template), ...own };
    const env = this.egress === undefined ? plain : withEgress(plain);
    if (this.#collection === undefined) return env;
    const sending = withTelemetry(env, { sandboxId: this.id, template: this.template.name, runId });
    return isInstrumented ? instrumentedEnvironment(sending) : sending;
  }

  /** Its telemetry is this owner's from now on, and its way out is open where it has one. Rejects with DRIVER_ERROR, or with what the collector says to the caller. */
  async claim(owner: TelemetryOwner): Promise<void> {
    await Promise.all([this.#collection?.claim(owner), this.egress?.begin()]);
  }

  /** What it has sent with OpenTelemetry; undefined where that is nothing. */
  get telemetry(): SandboxTelemetry | undefined {
    return this.#collection?.telemetry;
  }

  isDiskFull(): boolean {
    const disk = this.#isGone ? undefined : this.driver.disk();
    if (disk === undefined) return false;
    const { least, most } = FULL_BYTES;
    return disk.freeBytes < Math.min(most, Math.max(least, disk.sizeBytes / FULL_PART));
  }

  /** Stops all its processes where they are, or lets them go on. */
  async freeze(isFrozen: boolean): Promise<void> {
    const { watch } = this.agent;
    watch.isFrozen = true;
    try {
      await this.driver.freeze(isFrozen);
      watch.isFrozen = isFrozen;
    } catch (error) {
      watch.isFrozen = !isFrozen;
      throw error;
    }
  }

  /** Ends its processes; resolves with the CPU time they took. What the host cannot do to it any more, it does not need to. */
  async stop(isFrozen: boolean): Promise<number> {
    let cpuMs = 0;
    try {
      cpuMs = this.driver.usage().cpuMs;
      // A version 1 freezer holds even a SIGKILL back until it is thawed.
      if (isFrozen) await this.driver.freeze(false);
      await this.driver.kill();
    } catch (error) {
      process.emitWarning(`sandbox ${this.id} did not end in order: ${(error as Error).message}`);
    }
    this.agent.close();
    return cpuMs;
  }

  /** After {@link stop}: resolves when what it sent last is taken, or when that takes too long to be waited for. */
  async detach(): Promise<void> {
    await Promise.all([this.#collection?.detachSoon(), this.egress?.end()]);
  }

  /** After {@link stop}: gives back everything on the host. */
  async release(): Promise<void> {
    // A socket that is still open keeps its network namespace.
    await Promise.all([this.driver.release(), this.#collection?.detach(), this.egress?.end()]);
  }

  async destroy(): Promise<void> {
    this.onGone = undefined;
    await this.driver.kill();
    this.agent.close();
    await this.release();
  }

  async #startInterpreter(language: Language): Promise<Interpreter> {
    const runner = await this.runners.take();
    return Interpreter.start(language, runner, this.agent, {
      env: this.environment(),
      maxOpenFiles: this.limits.maxOpenFiles,
    });
  }

  /** Its failure is the template's, and is said when the pool is filled. */
  async #warmUp(code: string): Promise<void> {
    const language = this.template.defaultLanguage;
    const exec = new Exec({
      sandboxId: this.id,
      subject: { execId: "warmup", kind: "code", language },
      record: "metadata",
      context: {
        orgId: "",
        runId: "",
        traceId: "",
        parentSpanId: "",
        traceFlags: 0,
        tracestate: "",
        baggage: "",
      },
      spanId: "",
      limits: this.limits,
      timeoutMs: 120_000,
      segment: undefined,
      emit: async () => {}, // nobody's exec: it happens before there is a sandbox to record
      onFinished: () => {},
    });
    this.context(language).run({ exec, code, env: {}, own: [], base: {} });
    const { exitCode } = await exec.completed;
    if (exitCode !== 0)
      throw new Error(
        `the warm-up cell of template "${this.template.name}" failed: ${exec.output.tail("stderr").trim()}`,
      );
  }

  #gone(reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (this.driver.loss() !== "" || !this.driver.diedOfMemory())
      return this.onGone?.("driver_error", reason);
    this.onGone?.("oom_killed", `the memory limit of ${this.limits.memoryMb} MiB was reached`);
  }
}
