import type { Language, SandboxLimits } from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";
import { AgentConnection } from "./agent/connection.ts";
import type { DriverSandbox, SandboxDriver } from "./drivers/driver.ts";
import { Context } from "./exec/context.ts";
import { Exec } from "./exec/exec.ts";
import { Interpreter } from "./exec/interpreter.ts";
import { Runners } from "./exec/runner.ts";
import { baseEnvironment, type Template } from "./templates.ts";

const AGENT_TIMEOUT_MS = 15_000;
const FULL_BYTES = 64 * 1024;
const DEFAULT_CONTEXT = "default";

/** A booted sandbox without an owner: what the pool keeps, and what a `Sandbox` runs on once it is claimed. */
export class Machine {
  readonly id: string;
  readonly template: Template;
  readonly driver: DriverSandbox;
  readonly agent: AgentConnection;
  readonly runners: Runners;
  readonly bootMs: number;
  readonly connectMs: number;
  limits: SandboxLimits;
  readonly #contexts = new Map<string, Context>();
  /** Called once when it is gone without having been asked; the text says what is known. */
  onGone: ((reason: string) => void) | undefined;
  #isGone = false;

  private constructor(parts: {
    id: string;
    template: Template;
    driver: DriverSandbox;
    agent: AgentConnection;
    limits: SandboxLimits;
    connectMs: number;
  }) {
    this.id = parts.id;
    this.template = parts.template;
    this.driver = parts.driver;
    this.agent = parts.agent;
    this.limits = parts.limits;
    this.bootMs = parts.driver.bootMs;
    this.connectMs = parts.connectMs;
    this.runners = new Runners(parts.agent, parts.driver);
    parts.agent.onClose = (violation) => this.#gone(violation || "the sandbox's agent went away");
  }

  /** Throws DRIVER_ERROR where the sandbox does not come up. */
  static async boot(
    id: string,
    template: Template,
    limits: SandboxLimits,
    driver: SandboxDriver,
  ): Promise<Machine> {
    const sandbox = await driver.create({ id, limits, mounts: template.mounts });
    const started = performance.now();
    const agent = new AgentConnection(sandbox.socket);
    const timer = setTimeout(() => agent.close(), AGENT_TIMEOUT_MS);
    try {
      await agent.ready();
    } catch (error) {
      await sandbox.kill();
      const said = sandbox.diagnosis();
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
    return new Machine({ id, template, driver: sandbox, agent, limits, connectMs });
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** What the pool does ahead of a claim: a spare runner, the template's interpreters, its warm-up cell. */
  async prepare(): Promise<void> {
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

  isDiskFull(): boolean {
    const disk = this.#isGone ? undefined : this.driver.disk();
    return disk !== undefined && disk.freeBytes < FULL_BYTES;
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

  async destroy(): Promise<void> {
    this.onGone = undefined;
    await this.driver.kill();
    this.agent.close();
    await this.driver.release();
  }

  async #startInterpreter(language: Language): Promise<Interpreter> {
    const runner = await this.runners.take();
    return Interpreter.start(language, runner, this.agent, {
      env: baseEnvironment(this.template),
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
    this.onGone?.(reason);
  }
}
