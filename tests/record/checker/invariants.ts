import type { RecordView } from "./clients-view.ts";
import type { RecordedEvent } from "./recorded-event.ts";

const EXEC_CAUSES =
  "exited killed cancelled timed_out oom_killed disk_full output_limit sandbox_ended host_shutdown host_crash driver_error";
const SANDBOX_CAUSES =
  "oom_killed idle_timeout lifetime_exceeded merged user host_shutdown host_crash driver_error";
/** Said about a sandbox by others than its host, or about what it cost: may come when it is over. */
const MAY_FOLLOW_THE_END = /^(agent\.|cost\.)/;
/** Not the exec's own, though they name it. */
const SPANS_THAT_OPEN = new Set(["exec.started", "sandbox.created", "run.started"]);

interface Ending {
  cause?: string;
  exitCode?: number;
  stdoutBytes?: number;
  stderrBytes?: number;
}

interface ExecState {
  sandboxId: string;
  ending?: Ending;
  streamed: { stdout: number; stderr: number };
}

interface SandboxState {
  isCreated: boolean;
  cause?: string;
  writes: Map<string, number>;
}

/** Takes a record's events in their order and says what breaks a rule. Sentences go to `say`. */
export class Invariants implements RecordView {
  readonly execs = new Map<string, ExecState>();
  readonly sandboxes = new Map<string, SandboxState>();
  readonly #say: (sentence: string) => void;
  readonly #hasStart: boolean;
  readonly #seqs = new Map<string, number>();
  readonly #ids = new Set<string>();
  /** By span: the trace it is of, and whether it had been begun when it was first named as a parent. */
  readonly #opened = new Map<string, string>();
  readonly #namedBefore = new Set<string>();

  /** @param hasStart the log begins with its first event: nothing was removed for its age or size */
  constructor(say: (sentence: string) => void, hasStart: boolean) {
    this.#say = say;
    this.#hasStart = hasStart;
  }

  take(event: RecordedEvent): void {
    if (this.#ids.has(event.id)) this.#say(`event ${event.id} is there twice`);
    this.#ids.add(event.id);
    this.#checkSeq(event);
    this.#checkParent(event);
    const { type, sandboxId, data } = event;
    if (data.cause !== undefined && !causesOf(type).includes(data.cause))
      this.#say(`${type} ${event.id} has the cause "${data.cause}"`);
    if (sandboxId !== "") this.#checkSandbox(event);
    if (data.execId !== undefined && type.startsWith("exec.")) this.#checkExec(event, data.execId);
  }

  /** A record that was deleted. Its number is in the sequence as if it were there; nothing else may be known of it. */
  takeDeleted(position: number, note: string): void {
    const [, seq, sandboxId] = /^\{"deleted":\{"seq":(\d+),"sandboxId":"(\w*)"\}\} *$/.exec(note) ?? [];
    if (seq === undefined || sandboxId === undefined)
      this.#say(`what is deleted at position ${position} left more, or less, than its number`);
    else this.#checkSeq({ id: `at position ${position}, deleted,`, seq: Number(seq), sandboxId });
  }

  /** @param isOver every sandbox and exec has to have its ending: the daemon that made them is gone, and was followed by another */
  finish(isOver: boolean): void {
    if (!isOver) return;
    for (const [id, { isCreated, cause }] of this.sandboxes)
      if (isCreated && cause === undefined) this.#say(`sandbox ${id} has no ending`);
    for (const [id, { ending }] of this.execs) if (!ending) this.#say(`exec ${id} has no ending`);
  }

  isCreated(sandboxId: string): boolean {
    return this.sandboxes.get(sandboxId)?.isCreated === true;
  }
  causeOf(sandboxId: string): string | undefined {
    return this.sandboxes.get(sandboxId)?.cause;
  }
  hasStarted(execId: string): boolean {
    return this.execs.has(execId);
  }
  ending(execId: string): Ending | undefined {
    return this.execs.get(execId)?.ending;
  }
  writes(sandboxId: string, path: string, sizeBytes: number): number {
    return this.sandboxes.get(sandboxId)?.writes.get(`${sizeBytes} ${path}`) ?? 0;
  }

  #checkSeq({ sandboxId, seq, id }: Pick<RecordedEvent, "sandboxId" | "seq" | "id">): void {
    const last = this.#seqs.get(sandboxId);
    this.#seqs.set(sandboxId, seq);
    if (last === undefined && !this.#hasStart) return;
    if (seq !== (last ?? 0) + 1)
      this.#say(`event ${id} of ${sandboxId || "the host"} has seq ${seq} behind ${last ?? "nothing"}`);
  }

  /** A span that is begun by an event of its own comes before what names it as parent; both are of one trace. */
  #checkParent({ type, id, traceId, spanId, parentSpanId }: RecordedEvent): void {
    if (SPANS_THAT_OPEN.has(type)) {
      if (this.#namedBefore.has(spanId))
        this.#say(`${type} ${id} comes behind a child of its span ${spanId}`);
      this.#opened.set(spanId, traceId);
    }
    if (parentSpanId === "") return;
    const trace = this.#opened.get(parentSpanId);
    if (trace === undefined) this.#namedBefore.add(parentSpanId);
    else if (trace !== traceId) this.#say(`${type} ${id} is of another trace than its parent`);
  }

  #checkSandbox({ type, id, sandboxId, data }: RecordedEvent): void {
    const known = this.sandboxes.get(sandboxId);
    const state = known ?? { isCreated: false, writes: new Map<string, number>() };
    this.sandboxes.set(sandboxId, state);
    if (state.cause !== undefined && !MAY_FOLLOW_THE_END.test(type))
      this.#say(`${type} ${id} comes behind the end of ${sandboxId}`);
    if (type === "sandbox.created") {
      if (state.isCreated) this.#say(`sandbox ${sandboxId} was created twice`);
      state.isCreated = true;
    }
    if (type === "sandbox.terminated") {
      state.cause = data.cause ?? "";
      for (const [execId, exec] of this.execs)
        if (exec.sandboxId === sandboxId && !exec.ending)
          this.#say(`exec ${execId} had no ending when its sandbox ended`);
    }
    if ((type === "file.created" || type === "file.modified") && data.path !== undefined) {
      const write = `${data.sizeBytes} ${data.path}`;
      state.writes.set(write, (state.writes.get(write) ?? 0) + 1);
    }
  }

  #checkExec({ type, id, sandboxId, data }: RecordedEvent, execId: string): void {
    if (type === "exec.started") {
      if (this.execs.has(execId)) this.#say(`exec ${execId} started twice`);
      if (!this.isCreated(sandboxId) && this.#hasStart)
        this.#say(`exec ${execId} started in ${sandboxId}, which was not created`);
      this.execs.set(execId, { sandboxId, streamed: { stdout: 0, stderr: 0 } });
      return;
    }
    const exec = this.execs.get(execId);
    if (exec === undefined) {
      if (this.#hasStart) this.#say(`${type} ${id} is of exec ${execId}, which has not started`);
      return;
    }
    if (exec.sandboxId !== sandboxId) this.#say(`${type} ${id} has exec ${execId} in another sandbox`);
    if (exec.ending) this.#say(`${type} ${id} comes behind the ending of exec ${execId}`);
    if (type === "exec.streamed" && data.stream !== undefined) {
      if (data.offset !== exec.streamed[data.stream])
        this.#say(
          `${type} ${id} begins at ${data.offset} of ${data.stream}, not ${exec.streamed[data.stream]}`,
        );
      exec.streamed[data.stream] += data.bytes ?? 0;
    }
    if (type !== "exec.completed") return;
    const { stdoutBytes = 0, stderrBytes = 0 } = data;
    if (exec.streamed.stdout > stdoutBytes || exec.streamed.stderr > stderrBytes)
      this.#say(`exec ${execId} streamed more bytes than it ended with`);
    exec.ending = data;
  }
}

function causesOf(type: string): readonly string[] {
  if (type === "exec.completed") return EXEC_CAUSES.split(" ");
  return type === "host.stopped" ? ["host_shutdown"] : SANDBOX_CAUSES.split(" ");
}
