import type {
  CallContext,
  Cause,
  ExecInfo,
  ExecRequest,
  ExecSubject,
  SandboxInfo,
} from "@sandglass/protocol";
import { newExecId, newSpanId, SandglassError, traceEnvironment } from "@sandglass/protocol";
import { StartError } from "./agent/connection.ts";
import { CellEnvironments } from "./cell-environment.ts";
import { runCommand } from "./exec/command.ts";
import { EndedExec } from "./exec/ended-exec.ts";
import { Exec } from "./exec/exec.ts";
import { GroupExecs } from "./exec/group-execs.ts";
import { RunnerKilled } from "./exec/runner.ts";
import type { Machine } from "./machine.ts";
import { ExecLines } from "./output/lines/exec-lines.ts";
import { LineAllowance } from "./output/lines/line-allowance.ts";
import type { TakeLines } from "./output/lines/output-lines.ts";
import type { SegmentWriter } from "./output/segment-writer.ts";
import type { SandboxRecord } from "./sandbox-record.ts";
import { withoutDestination } from "./telemetry-destination.ts";
import type { ExecHandle } from "./types.ts";

/** Ended execs a live sandbox still answers for from memory; older ones are in the record. */
const KEPT_EXECS = 200;

export interface SandboxExecsParts {
  machine: Machine;
  /** Live view of the sandbox's description. */
  info: SandboxInfo;
  /** Given at creation, for every exec. */
  env: Record<string, string>;
  record: SandboxRecord;
  /** Where their output is kept; undefined keeps none. */
  segment: SegmentWriter | undefined;
  /** Takes the lines of their output; undefined where they are not wanted. */
  takeLines: TakeLines | undefined;
  onFinished(): void;
}

/** The execs of one sandbox, running and lately ended. */
export class SandboxExecs {
  readonly #parts: SandboxExecsParts;
  readonly #execs = new Map<string, Exec>();
  readonly #groups: GroupExecs;
  readonly #allowance = new LineAllowance();
  /** Given at creation, for every exec. */
  readonly #env: Readonly<Record<string, string>>;
  /** Made with the first cell. */
  #cells: CellEnvironments | undefined;
  #started = 0;
  #running = 0;
  /** Set once the sandbox ends: what starts after that ends at once. */
  #closing: { cause: Cause; reason?: string } | undefined;

  constructor(parts: SandboxExecsParts) {
    this.#parts = parts;
    this.#groups = new GroupExecs((group) => parts.machine.driver.hasGroup(group));
    this.#env = withoutDestination(parts.env);
  }

  /** How many were ever started. */
  get count(): number {
    return this.#started;
  }

  get running(): number {
    return this.#running;
  }

  list(): ExecInfo[] {
    return [...this.#execs.values()].map((exec) => exec.info());
  }

  get(execId: string): ExecHandle {
    const exec = this.#execs.get(execId);
    if (exec !== undefined) return exec;
    throw new SandglassError("EXEC_NOT_FOUND", `sandbox ${this.#parts.info.id} has no exec ${execId}`);
  }

  /** Resolves when `exec.started` is committed. */
  async start(request: ExecRequest, context: CallContext): Promise<ExecHandle> {
    if (
      request.code?.includes("\0") === true &&
      subjectOf("", request, this.#parts.machine.template.defaultLanguage).language === "bash"
    ) {
      throw new SandglassError("INVALID_REQUEST", "code for bash cannot contain a NUL");
    }
    const { maxConcurrentExecs } = this.#parts.info.limits;
    if (this.running >= maxConcurrentExecs) {
      throw new SandglassError(
        "EXEC_LIMIT_REACHED",
        `${maxConcurrentExecs} execs run already in this sandbox`,
        {
          hint: "wait for one to end, or kill it; the limit is maxConcurrentExecs",
        },
      );
    }
    const waited = this.#parts.machine.agent.watch.wait();
    const exec = this.#make(request, context, waited);
    this.#execs.set(exec.id, exec);
    this.#started++;
    this.#running++;
    try {
      await exec.started(request.cwd);
    } catch (error) {
      this.#execs.delete(exec.id);
      this.#running--;
      waited();
      exec.abandon();
      throw error;
    }
    if (this.#closing !== undefined) exec.end(this.#closing);
    else this.#run(exec, request);
    return exec;
  }

  /** The exec that a group's processes are of. */
  ofGroup(group: string): ReturnType<GroupExecs["get"]> {
    return this.#groups.get(group);
  }

  pauseDeadlines(): void {
    for (const exec of this.#execs.values()) exec.pauseDeadline();
  }

  resumeDeadlines(): void {
    for (const exec of this.#execs.values()) exec.resumeDeadline();
  }

  /** Decides why whatever runs now will have ended. Resolves with their endings, which the sandbox's own end brings about. */
  close(decision: { cause: Cause; reason?: string }): { ended: Promise<unknown> } {
    this.#closing = decision;
    const running = [...this.#execs.values()].filter((exec) => !exec.isOver);
    for (const exec of running) exec.end(decision);
    return { ended: Promise.all([...this.#execs.values()].map((exec) => exec.completed)) };
  }

  /** What is to be known of them once the sandbox is gone. */
  ended(): EndedExec[] {
    return [...this.#execs.values()]
      .filter((exec) => exec.isCompleted)
      .map((exec) => new EndedExec(exec.info(), exec.output.ended()));
  }

  #make(request: ExecRequest, caller: CallContext, waited: () => void): Exec {
    const { machine, info, record, segment } = this.#parts;
    const execId = newExecId();
    const context = { ...caller, runId: caller.runId || info.runId };
    const spanId = newSpanId();
    return new Exec({
      sandboxId: info.id,
      subject: subjectOf(execId, request, machine.template.defaultLanguage),
      record: info.record,
      context,
      spanId,
      lines: this.#linesOf(execId, spanId, context, request.env),
      limits: info.limits,
      timeoutMs: request.timeoutMs ?? 0,
      segment,
      emit: record.emit,
      onFinished: ({ output }) => {
        waited();
        output.forgetTails();
        this.#finished();
      },
    });
  }

  #linesOf(execId: string, spanId: string, context: CallContext, own?: Record<string, string>) {
    const { machine, info, env, takeLines } = this.#parts;
    if (takeLines === undefined) return undefined;
    const { orgId, runId, traceId, traceFlags } = context;
    const { OTEL_SERVICE_NAME: serviceName = info.template } = machine.environment({ ...env, ...own }, runId);
    const whose = { sandboxId: info.id, orgId, runId, template: info.template, serviceName };
    const head = { ...whose, execId, traceId, spanId, traceFlags };
    return new ExecLines({ head, allowance: this.#allowance, take: takeLines });
  }

  #run(exec: Exec, request: ExecRequest): void {
    const { machine, info } = this.#parts;
    const trace = { ...traceEnvironment({ ...exec.context, spanId: exec.spanId }) };
    const own = withoutDestination(request.env ?? {});
    if (request.code !== undefined) {
      this.#cells ??= new CellEnvironments(this.#env, (variables) => this.#environment(variables));
      const context = machine.context(exec.subject.language as "python", exec.subject.contextId);
      const onPlaced = (group: string): void => this.#groups.set(group, exec);
      context.run({ exec, code: request.code, onPlaced, ...this.#cells.of(own, trace) });
      return;
    }
    machine.runners
      .take()
      .then((runner) => {
        this.#groups.set(runner.name, exec);
        return runCommand(exec, machine.agent, runner, {
          argv: request.argv ?? ["/bin/bash", "-c", request.command as string],
          env: this.#environment({ ...this.#env, ...own, ...trace }),
          cwd: request.cwd ?? "/workspace",
          stdin: request.stdin,
          maxOpenFiles: info.limits.maxOpenFiles,
          isDiskFull: () => machine.isDiskFull(),
        });
      })
      .catch((error: Error) => this.#broke(exec, error));
  }

  #environment(variables: Readonly<Record<string, string>>): Record<string, string> {
    const { machine, info } = this.#parts;
    return machine.environment(variables, info.runId, info.instrument);
  }

  /** The host could not run it: `exec.error`, then the ending. */
  async #broke(exec: Exec, error: Error): Promise<void> {
    if (error instanceof StartError) {
      // The sandbox is at its own limit, which is its failure and not the host's.
      exec.output.append("stderr", Buffer.from(`sandglass: ${error.message}\n`));
      return exec.finish({ code: 126, signal: 0, cpuMs: 0, maxRssBytes: 0, oomKills: 0, isDiskFull: false });
    }
    if (error instanceof RunnerKilled) {
      const nothing = { cpuMs: 0, maxRssBytes: 0, isDiskFull: false };
      return exec.finish({
        ...nothing,
        code: 137,
        signal: 9,
        oomKills: error.oomKills,
        reason: error.message,
      });
    }
    if (this.#closing === undefined) {
      const data = { execId: exec.id, code: "DRIVER_ERROR", message: error.message };
      await exec.emit("exec.error", "error", data).catch(() => {}); // the ending says the same, and is waited for
      exec.end({ cause: "driver_error", reason: error.message });
    }
    await exec.finish({ code: 137, signal: 9, cpuMs: 0, maxRssBytes: 0, oomKills: 0, isDiskFull: false });
  }

  #finished(): void {
    this.#running--;
    for (const [id, exec] of this.#execs) {
      if (this.#execs.size <= KEPT_EXECS) break;
      if (exec.isOver) this.#execs.delete(id);
    }
    if (this.#closing !== undefined) return;
    this.#parts.onFinished();
    // Behind the answer, not in front of it: the next command finds a process that waits for it.
    setTimeout(() => {
      if (this.#closing === undefined && this.#parts.info.state === "running")
        this.#parts.machine.runners.prepare();
    }, 5).unref();
  }
}

function subjectOf(
  execId: string,
  request: ExecRequest,
  defaultLanguage: ExecRequest["language"],
): ExecSubject {
  if (request.code === undefined) {
    return { execId, kind: "command", command: request.command ?? (request.argv ?? []).map(quote).join(" ") };
  }
  const { language = defaultLanguage as "python", contextId = "default", code } = request;
  return { execId, kind: "code", language, contextId, code };
}

/** An argument as a shell line would show it. */
function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
