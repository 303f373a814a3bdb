import type {
  CallContext,
  Emit,
  EventDataMap,
  EventInput,
  EventType,
  ExecInfo,
  ExecSubject,
  Language,
  Level,
  RecordMode,
  SandboxLimits,
} from "@sandglass/protocol";
import { microTimestamp, SandglassError, SIGNALS } from "@sandglass/protocol";
import { msSince, roundMs } from "../duration.ts";
import { ExecOutput } from "../output/exec-output.ts";
import type { ExecLines } from "../output/lines/exec-lines.ts";
import type { SegmentWriter } from "../output/segment-writer.ts";
import type { ExecHandle } from "../types.ts";
import { completedData, recordedSubject } from "./completed-data.ts";
import { Deadline } from "./deadline.ts";
import { causeOf, type Decision, type Ending, endingWords } from "./ending.ts";
import { StreamedCounts } from "./streamed.ts";

const NOTHING_RAN: Ending = {
  code: 137,
  signal: 9,
  cpuMs: 0,
  maxRssBytes: 0,
  oomKills: 0,
  isDiskFull: false,
};

export interface ExecParts {
  sandboxId: string;
  subject: ExecSubject;
  record: RecordMode;
  context: CallContext;
  spanId: string;
  limits: SandboxLimits;
  timeoutMs: number;
  segment: SegmentWriter | undefined;
  /** Reads lines out of what it writes; undefined where nobody wants them. */
  lines?: ExecLines | undefined;
  emit: Emit;
  onFinished(exec: Exec): void;
}

/** How a running exec is acted upon; what runs it puts this in place. */
export interface ExecControl {
  signal(number: number): void;
  /** Ends it for a decision of the host, by force. */
  end(): void;
  grant(bytes: number): void;
}

/**
 * One exec, whatever runs it: its stream, its events, its deadline, and exactly one ending.
 *
 * queued → running → completed. `exec.started` is committed before anything runs; `exec.completed` before the
 * stream's last line is shown.
 */
export class Exec implements ExecHandle {
  readonly id: string;
  readonly output: ExecOutput;
  readonly completed: Promise<ExecInfo>;
  readonly subject: ExecSubject;
  readonly spanId: string;
  readonly context: CallContext;
  readonly timeoutMs: number;
  readonly #parts: ExecParts;
  readonly #info: ExecInfo;
  readonly #deadline: Deadline;
  readonly #createdMs = performance.now();
  readonly #streamed: StreamedCounts;
  #control: ExecControl | undefined;
  #pendingRoom = 0;
  /** Sent while its process was got ready, which receives them first of all. */
  readonly #pendingSignals: number[] = [];
  #decision: Decision | undefined;
  #isFinishing = false;
  #missing: Error | undefined;
  #resolve: (info: ExecInfo) => void = () => {};

  constructor(parts: ExecParts) {
    this.#parts = parts;
    this.id = parts.subject.execId;
    this.subject = parts.subject;
    this.spanId = parts.spanId;
    this.context = parts.context;
    this.timeoutMs = parts.timeoutMs;
    this.completed = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.output = new ExecOutput({
      execId: this.id,
      segment: parts.segment,
      maxBytes: parts.limits.maxOutputBytes,
      onLimit: () =>
        this.end({
          cause: "output_limit",
          reason: `more than maxOutputBytes (${parts.limits.maxOutputBytes}) were written`,
        }),
      onRoom: (bytes) => {
        if (this.#control === undefined) this.#pendingRoom += bytes;
        else this.#control.grant(bytes);
      },
      onKept: (stream, bytes) => {
        this.#streamed.add(stream, bytes.length);
        parts.lines?.push(stream, bytes);
      },
    });
    this.#streamed = new StreamedCounts(this.id, (data) => {
      this.emit("exec.streamed", "debug", data).catch((error: Error) => this.#unsaid(error));
    });
    this.#deadline = new Deadline(parts.timeoutMs, () => void this.#timedOut());
    const { code, command, language, contextId, kind } = parts.subject;
    const content =
      parts.record === "full"
        ? { ...(code === undefined ? {} : { code }), ...(command === undefined ? {} : { command }) }
        : {};
    this.#info = {
      id: this.id,
      sandboxId: parts.sandboxId,
      state: "queued",
      kind,
      ...(language === undefined ? {} : { language: language as Language }),
      ...(contextId === undefined ? {} : { contextId }),
      ...content,
      traceId: parts.context.traceId,
      spanId: parts.spanId,
      startedAt: microTimestamp(),
      stdoutBytes: 0,
      stderrBytes: 0,
    };
  }

  info(): ExecInfo {
    return { ...this.#info, stdoutBytes: this.output.bytes.stdout, stderrBytes: this.output.bytes.stderr };
  }

  get isRunning(): boolean {
    return this.#info.state === "running";
  }

  /** Its ending is in the record. */
  get isCompleted(): boolean {
    return this.#info.state === "completed";
  }

  get isOver(): boolean {
    return this.#isFinishing;
  }

  get decision(): Decision | undefined {
    return this.#decision;
  }

  lines(options?: { after?: number; signal?: AbortSignal; isOwner?: boolean }): AsyncIterable<string> {
    return this.output.lines(options);
  }

  /** Something runs it now: the deadline counts from here. */
  begin(control: ExecControl): void {
    if (this.#isFinishing) return control.end(); // it ended while it waited
    this.#info.state = "running";
    this.#control = control;
    if (this.#pendingRoom > 0) control.grant(this.#pendingRoom);
    this.#pendingRoom = 0;
    if (this.#decision !== undefined) return control.end();
    this.arm();
    for (const number of this.#pendingSignals) control.signal(number);
  }

  pauseDeadline(): void {
    this.#deadline.pause();
  }

  resumeDeadline(): void {
    if (this.isRunning) this.#deadline.start();
  }

  /** A cell that waits for its turn or its interpreter is `cancelled`, whatever the signal; everything else is `killed` by what ends it. */
  async kill(signalName: string): Promise<void> {
    if (this.#isFinishing) throw new SandglassError("EXEC_ENDED", `exec ${this.id} has ended`);
    const number = SIGNALS[signalName as keyof typeof SIGNALS];
    if (number === undefined)
      throw new SandglassError("INVALID_REQUEST", `unknown signal ${signalName}`, {
        hint: "a name like SIGTERM",
      });
    if (this.#control === undefined && this.subject.kind === "code")
      return this.end({ cause: "cancelled", reason: "killed while it waited" });
    if (signalName === "SIGKILL") this.end({ cause: "killed" });
    else if (this.#control === undefined) this.#pendingSignals.push(number);
    else this.#control.signal(number);
  }

  /** Ends it by a decision of the host; the first decision is the one that counts. */
  end(decision: Decision): void {
    if (this.#isFinishing) return;
    this.#decision ??= decision;
    this.output.release();
    if (this.#control !== undefined) this.#control.end();
    else void this.finish(NOTHING_RAN); // it waited: nothing will run
  }

  /** How it ended. Only the first call counts. */
  async finish(ending: Ending): Promise<void> {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    this.#deadline.clear();
    const durationMs = msSince(this.#createdMs);
    this.output.close();
    this.#parts.lines?.end();
    this.#streamed.end();
    const words = () =>
      endingWords(causeOf(ending, this.#decision, this.#parts.limits, this.output), durationMs, ending, [
        this.output.writeError && `output was not kept: ${this.output.writeError.message}`,
        this.#missing && `events are missing: ${this.#missing.message}`,
      ]);
    let shared = words();
    const exit = () => ({
      type: "exit" as const,
      data: ending.code,
      code: ending.code,
      ...shared,
      execId: this.id,
      ...(ending.contextLost === true ? { contextLost: true } : {}),
    });
    const isKept = this.output.writeError === undefined;
    this.output.appendExit(exit());
    await this.output.written();
    if (isKept && this.output.writeError !== undefined) {
      shared = words();
      this.output.restateExit(exit());
    }
    const data = completedData(this.subject, this.#parts.record, shared, ending, this.output);
    await this.emit("exec.completed", shared.cause === "exited" ? "info" : "warn", data);
    Object.assign(this.#info, shared, {
      state: "completed",
      endedAt: microTimestamp(),
      exitCode: ending.code,
      cpuMs: roundMs(ending.cpuMs),
      maxRssBytes: ending.maxRssBytes,
    });
    this.output.showExit();
    this.#resolve(this.info());
    this.#parts.onFinished(this);
  }

  emit<T extends EventType>(type: T, level: Level, data: EventDataMap[T]): Promise<void> {
    const { context, sandboxId, spanId } = this.#parts;
    const { orgId, runId, traceId, parentSpanId } = context;
    return this.#parts.emit({
      type,
      level,
      orgId,
      sandboxId,
      runId,
      traceId,
      spanId,
      parentSpanId,
      data,
    } as EventInput);
  }

  /** `exec.started`, before anything runs. */
  started(cwd: string | undefined): Promise<void> {
    const shownCwd = cwd !== undefined && this.#parts.record === "full" ? { cwd } : {};
    const timeout = this.timeoutMs > 0 ? { timeoutMs: this.timeoutMs } : {};
    const subject = recordedSubject(this.subject, this.#parts.record);
    return this.emit("exec.started", "info", { ...subject, ...shownCwd, ...timeout });
  }

  /** Its turn has come: the deadline counts from here, whatever is still to be got ready. */
  arm(): void {
    if (!this.#isFinishing) this.#deadline.start();
  }

  /** It never began: nothing was recorded of it, and nothing will be. */
  abandon(): void {
    this.#isFinishing = true;
    this.#resolve(this.info());
  }

  /** An event beside the ending that the log would not take: the ending says so. */
  #unsaid(error: Error): void {
    this.#missing ??= error;
  }

  async #timedOut(): Promise<void> {
    if (this.#isFinishing || this.#decision !== undefined) return;
    const event = this.emit("exec.timed_out", "warn", { execId: this.id, timeoutMs: this.timeoutMs });
    this.end({ cause: "timed_out", reason: `timeoutMs (${this.timeoutMs}) passed` });
    await event.catch((error: Error) => this.#unsaid(error));
  }
}
