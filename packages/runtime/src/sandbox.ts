import type { CallContext, Cause, ExecInfo, ExecRequest, SandboxInfo } from "@sandglass/protocol";
import { microTimestamp, newSpanId, SandglassError } from "@sandglass/protocol";
import { msSince, roundMs } from "./duration.ts";
import { openEgress } from "./egress/open-egress.ts";
import { EndedSandbox } from "./ended-sandbox.ts";
import { Deadline } from "./exec/deadline.ts";
import { Files } from "./files.ts";
import { IdleClock } from "./idle-clock.ts";
import type { Machine } from "./machine.ts";
import { sandboxEnded } from "./sandbox-ended.ts";
import { SandboxExecs } from "./sandbox-execs.ts";
import { describeSandbox } from "./sandbox-info.ts";
import type { SandboxParts } from "./sandbox-parts.ts";
import { SandboxRecord } from "./sandbox-record.ts";
import type { ExecHandle, FilesHandle, SandboxHandle } from "./types.ts";

/**
 * One sandbox of one owner.
 *
 * ```
 *            pause              terminate, lifetime, idle,
 * running ─────────▶ paused     host shutdown, driver error
 *    ▲  ◀───────────────┘           │
 *    └── resume, or a call where    ▼
 *        it went to sleep by   terminating ──▶ terminated
 *        itself                (execs end)     (committed)
 * ```
 * Every exec ends before `sandbox.terminated` is committed, and that is committed exactly once.
 */
export class Sandbox implements SandboxHandle {
  readonly id: string;
  readonly orgId: string;
  readonly files: FilesHandle;
  readonly parts: SandboxParts;
  readonly record: SandboxRecord;
  readonly #machine: Machine;
  readonly #execs: SandboxExecs;
  readonly #spanId = newSpanId();
  readonly #info: SandboxInfo;
  readonly #lifetime: Deadline;
  readonly #idle: IdleClock;
  readonly #createdMs = performance.now();
  #pausedAt = 0;
  #isAsleep = false; // paused by idleness: the next call wakes it
  #changing: Promise<unknown> = Promise.resolve();
  #endSamples: (() => Promise<void>) | undefined;
  #ending: Promise<void> | undefined;
  readonly #over = new AbortController();
  /** Fires when it is about to end. */
  readonly over: AbortSignal = this.#over.signal;
  /** What will still be said of it: its end is recorded behind that. They do not reject. */
  readonly unsaid: Set<Promise<void>> = new Set();

  constructor(parts: SandboxParts) {
    this.parts = parts;
    this.#machine = parts.machine;
    this.id = parts.machine.id;
    this.orgId = parts.context.orgId;
    const { request, limits } = parts;
    this.#info = describeSandbox(parts);
    this.record = new SandboxRecord(parts.emit, this.id, parts.context.runId);
    this.#execs = new SandboxExecs({
      machine: parts.machine,
      info: this.#info,
      env: request.env ?? {},
      record: this.record,
      segment: parts.segment,
      takeLines: parts.takeLines,
      onFinished: () => this.#idle.touch(),
    });
    this.files = new Files({
      agent: () => this.#machine.agent,
      hold: () => this.hold(),
      record: this.record,
      showsPaths: this.#info.record === "full",
    });
    this.#lifetime = new Deadline(limits.timeoutMs, () => {
      this.#end("lifetime_exceeded", this.ownContext(), `timeoutMs (${limits.timeoutMs}) passed`);
    });
    this.#idle = new IdleClock(limits.idleTimeoutMs, () => void this.#idled());
    const creation = { context: parts.context, spanId: this.#spanId };
    parts.machine.egress = openEgress(parts, this.record, this.#execs, creation);
    parts.machine.onGone = (cause, reason) => this.#end(cause, this.ownContext(), reason);
  }

  /** Commits the sandbox's first events while its telemetry is claimed; then its clocks run, unless it is over already. */
  async begin(): Promise<void> {
    const claiming = this.#machine.claim(this.parts.owner).then(
      () => undefined,
      (error: Error) => error,
    );
    await this.record.created(this.parts, this.#spanId);
    const refusal = await claiming;
    if (refusal !== undefined && !this.#machine.isGone) {
      const isCallers = refusal instanceof SandglassError && refusal.status < 500;
      await this.terminate(isCallers ? "user" : "driver_error", this.ownContext(), refusal.message);
      throw refusal;
    }
    const say = this.record.samples(this.parts.context, this.#spanId);
    if (this.#ending === undefined) this.#endSamples = this.parts.sampler?.begin(this.#machine, say);
    this.#lifetime.start();
    this.#idle.start();
    if (this.#machine.isGone) await this.terminate("driver_error", this.ownContext(), this.#machine.whyGone);
  }

  /** For one whose beginning could not be recorded: it is given back, and there is nothing to say of it. */
  abandon(): Promise<void> {
    this.parts.segment?.close();
    this.#ending ??= this.#machine.destroy();
    return this.#ending;
  }

  get runningExecs(): number {
    return this.#execs.running;
  }

  info(): SandboxInfo {
    const { telemetry } = this.#machine;
    return { ...this.#info, ...(telemetry !== undefined && { telemetry }) };
  }

  execs(): ExecInfo[] {
    return this.#execs.list();
  }

  getExec(execId: string): ExecHandle {
    return this.#execs.get(execId);
  }

  async exec(request: ExecRequest, context: CallContext): Promise<ExecHandle> {
    const release = await this.hold();
    try {
      return await this.#execs.start(request, context);
    } finally {
      release();
    }
  }

  async pause(context: CallContext, reason: "user" | "idle" = "user"): Promise<void> {
    await this.#change(async () => {
      if (this.#info.state === "paused") {
        if (reason === "user") this.#isAsleep = false;
        return;
      }
      this.#assertLive();
      const isInUse = (): boolean => reason === "idle" && (this.#idle.isBusy || this.#execs.running > 0);
      if (isInUse()) return;
      const started = performance.now();
      await this.#machine.freeze(true);
      // While the kernel froze it, its end or a call may have come.
      if (this.#ending !== undefined || isInUse()) {
        await this.#machine.freeze(false);
        return this.#assertLive();
      }
      this.#execs.pauseDeadlines();
      this.#info.state = "paused";
      this.#isAsleep = reason === "idle";
      this.#pausedAt = performance.now();
      this.#idle.stop();
      const durationMs = roundMs(this.#pausedAt - started);
      await this.record.say(context, "sandbox.paused", "info", { reason, durationMs });
    });
  }

  async resume(context: CallContext, reason: "user" | "call" = "user"): Promise<void> {
    await this.#change(async () => {
      this.#assertLive();
      if (this.#info.state !== "paused") return;
      const started = performance.now();
      await this.#machine.freeze(false);
      this.#assertLive();
      this.#info.state = "running";
      this.#execs.resumeDeadlines();
      const durationMs = msSince(started);
      const pausedMs = roundMs(started - this.#pausedAt);
      await this.record.say(context, "sandbox.resumed", "info", { reason, durationMs, pausedMs });
      this.#idle.start();
    });
  }

  /**
   * Keeps everything in it stopped for as long as `work` takes, which is no pause: it begins and ends with the call. Rejects where it
   * takes no calls, and with SANDBOX_ENDED where it ends meanwhile.
   *
   * @param work is to leave off when the signal fires
   */
  async standStill<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const release = await this.hold();
    try {
      return await this.#change(async () => {
        this.#assertLive();
        const isRunning = this.#info.state !== "paused"; // since it was held
        if (isRunning) await this.#machine.freeze(true);
        if (isRunning) this.#execs.pauseDeadlines();
        try {
          return await work(this.over);
        } finally {
          if (isRunning) await this.#machine.freeze(false);
          if (isRunning) this.#execs.resumeDeadlines();
        }
      });
    } catch (error) {
      this.#assertLive();
      throw error;
    } finally {
      release();
    }
  }

  terminate(cause: Cause, context: CallContext, reason?: string): Promise<void> {
    this.#over.abort(); // what stands still for something has to be let go first
    this.#ending ??= this.#terminate(cause, context, reason === undefined ? {} : { reason });
    return this.#ending;
  }

  async #terminate(cause: Cause, context: CallContext, why: { reason?: string }): Promise<void> {
    const started = performance.now();
    await this.#changing; // a freeze under way comes first: what is half frozen cannot be killed
    const wasPaused = this.#info.state === "paused";
    this.#info.state = "terminating";
    this.#lifetime.clear();
    this.#idle.stop();
    const sampled = this.#endSamples?.(); // while there is something to read
    const isTheirs = cause === "host_shutdown" || cause === "driver_error" || cause === "oom_killed";
    const execs = this.#execs.close({ cause: isTheirs ? cause : "sandbox_ended", ...why });
    const cpuMs = await this.#machine.stop(wasPaused);
    // Before the end is recorded, which says that there is no more to come: neither from inside nor of lines of output.
    await Promise.all([execs.ended.then(() => this.#machine.detach()), sampled, ...this.unsaid]);
    const { telemetry } = this.#machine;
    const times = { lifetimeMs: msSince(this.#createdMs), durationMs: msSince(started) };
    const used = { execs: this.#execs.count, cpuMs: roundMs(cpuMs), ...(telemetry && { telemetry }) };
    await this.record.terminated(context, { cause, ...why, ...times, ...used });
    Object.assign(this.#info, { state: "terminated", endedAt: microTimestamp(), cause, ...why });
    this.parts.segment?.close();
    this.parts.onEnded(new EndedSandbox(this.orgId, this.info(), this.#execs.ended()));
  }

  /** Counts a call as activity until it is released; wakes a sandbox that sleeps, and refuses where it takes no calls. */
  async hold(): Promise<() => void> {
    this.#assertLive();
    const ends = [this.#idle.enter(), this.#machine.agent.watch.wait()];
    const release = (): void => {
      for (const end of ends) end();
    };
    try {
      await this.#changing;
      this.#assertLive();
      if (this.#info.state === "paused") {
        if (!this.#isAsleep) {
          const hint = "resume it first";
          throw new SandglassError("SANDBOX_PAUSED", `sandbox ${this.id} is paused`, { hint });
        }
        await this.resume(this.ownContext(), "call");
      }
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  #assertLive(): void {
    if (this.#ending !== undefined) throw sandboxEnded(this.id, this.#info.cause);
  }

  async #idled(): Promise<void> {
    if (this.#execs.running > 0 || this.#ending !== undefined) return;
    if (this.#info.onIdle === "terminate") {
      const passed = `idleTimeoutMs (${this.#info.limits.idleTimeoutMs}) passed without a call`;
      return this.terminate("idle_timeout", this.ownContext(), passed);
    }
    try {
      await this.pause(this.ownContext(), "idle");
    } catch (error) {
      // Idle processes cost memory and nothing else: better that they keep it than that the sandbox is lost.
      if (error instanceof SandglassError && error.code === "UNSUPPORTED_ON_HOST") return;
      await this.terminate("driver_error", this.ownContext(), (error as Error).message);
    }
  }

  /** Ends by itself: nobody waits for it, so nobody else can be told. */
  #end(cause: Cause, context: CallContext, reason: string): void {
    this.terminate(cause, context, reason).catch((error: Error) => {
      process.emitWarning(`the end of sandbox ${this.id} (${cause}) was not recorded: ${error.message}`);
    });
  }

  /** Pauses, resumes and what needs it to stand still, one after the other. */
  #change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(work);
    this.#changing = done.catch(() => {}); // the caller has the error; the next change does not depend on it
    return done;
  }

  /** The context of what the sandbox does by itself: its own trace, under its creation. */
  ownContext(): CallContext {
    return { ...this.parts.context, parentSpanId: this.#spanId };
  }
}
