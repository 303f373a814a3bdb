import type { ClientsView, RecordView } from "./clients-view.ts";
import type { RecordedEvent } from "./recorded-event.ts";
import { Spans } from "./spans.ts";

const EXEC_CAUSES =
  "exited killed cancelled timed_out oom_killed disk_full output_limit sandbox_ended host_shutdown host_crash driver_error";
const SANDBOX_CAUSES =
  "oom_killed idle_timeout lifetime_exceeded merged user host_shutdown host_crash driver_error";
/** Said about a sandbox by others than its host, or about what it cost: may come when it is over. */
const MAY_FOLLOW_THE_END = /^(agent\.|cost\.)/;
/** Said of a sandbox that did not come up. */
const MAY_BE_OF_NONE = new Set(["sandbox.error", "sandbox.terminated"]);
/** Events that are an ending, and the causes that each may have. */
const CAUSES: ReadonlyMap<string, readonly string[]> = new Map([
  ["exec.completed", EXEC_CAUSES.split(" ")],
  ["sandbox.terminated", SANDBOX_CAUSES.split(" ")],
  ["host.stopped", ["host_shutdown"]],
]);

interface Ending {
  cause?: string;
  exitCode?: number;
  stdoutBytes?: number;
  stderrBytes?: number;
}

interface ExecState {
  sandboxId: string;
  traceId: string;
  spanId: string;
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
  /** By id: the how manieth it is. */
  readonly #ids = new Map<string, number>();
  /** How many events of a type are on a span, and directly below one. */
  readonly #counts = new Map<string, number>();
  readonly #spans: Spans;
  /** Records of the host's own that were deleted. */
  #deletedOfHost = 0;

  /** @param hasStart the log begins with its first event: nothing was removed for its age or size */
  constructor(say: (sentence: string) => void, hasStart: boolean) {
    this.#say = say;
    this.#hasStart = hasStart;
    this.#spans = new Spans(say);
  }

  take(event: RecordedEvent): void {
    if (this.#ids.has(event.id)) this.#say(`event ${event.id} is there twice`);
    this.#ids.set(event.id, this.#ids.size + 1);
    for (const where of [`on ${event.spanId}`, `below ${event.parentSpanId}`]) {
      const what = `${event.type} ${where}`;
      this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
    }
    this.#checkSeq(event);
    this.#spans.take(event);
    const { type, sandboxId, data } = event;
    if (CAUSES.get(type)?.includes(data.cause ?? "") === false)
      this.#say(
        `${type} ${event.id} has ${data.cause === undefined ? "no cause" : `the cause "${data.cause}"`}`,
      );
    if (sandboxId !== "") this.#checkSandbox(event);
    if (data.execId !== undefined && type.startsWith("exec.")) this.#checkExec(event, data.execId);
  }

  /** A record that was deleted. Its number is in the sequence as if it were there; nothing else may be known of it. */
  takeDeleted(position: number, note: string): void {
    const [, seq, sandboxId] = /^\{"deleted":\{"seq":(\d+),"sandboxId":"(\w*)"\}\} *$/.exec(note) ?? [];
    if (seq === undefined || sandboxId === undefined)
      this.#say(`what is deleted at position ${position} left more, or less, than its number`);
    else {
      if (sandboxId === "") this.#deletedOfHost += 1;
      this.#checkSeq({ id: `at position ${position}, deleted,`, seq: Number(seq), sandboxId });
    }
  }

  /**
   * @param isOver every sandbox and exec has to have its ending: the daemon that made them is gone, and was followed by another
   * @param requests see `CheckOptions`
   */
  finish(isOver: boolean, requests: { areRequestsRecorded: boolean; requestsAtOnce: number }): void {
    const { areRequestsRecorded, requestsAtOnce } = requests;
    if (areRequestsRecorded)
      this.#spans.finish({ deletedOfHost: this.#deletedOfHost, hasStart: this.#hasStart, requestsAtOnce });
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
  count({ type, on, below }: ClientsView["changes"][number]): number {
    return this.#counts.get(`${type} ${on === undefined ? `below ${below}` : `on ${on}`}`) ?? 0;
  }
  orderOf(eventId: string): number | undefined {
    return this.#ids.get(eventId);
  }

  #checkSeq({ sandboxId, seq, id }: Pick<RecordedEvent, "sandboxId" | "seq" | "id">): void {
    const last = this.#seqs.get(sandboxId);
    this.#seqs.set(sandboxId, seq);
    if (last === undefined && !this.#hasStart) return;
    if (seq !== (last ?? 0) + 1)
      this.#say(`event ${id} of ${sandboxId || "the host"} has seq ${seq} behind ${last ?? "nothing"}`);
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
    } else if (!state.isCreated && this.#hasStart && !MAY_BE_OF_NONE.has(type))
      this.#say(`${type} ${id} is of ${sandboxId}, which was not created`);
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

  #checkExec({ type, id, sandboxId, traceId, spanId, data }: RecordedEvent, execId: string): void {
    if (type === "exec.started") {
      if (this.execs.has(execId)) this.#say(`exec ${execId} started twice`);
      this.execs.set(execId, { sandboxId, traceId, spanId, streamed: { stdout: 0, stderr: 0 } });
      return;
    }
    const exec = this.execs.get(execId);
    if (exec === undefined) {
      if (this.#hasStart) this.#say(`${type} ${id} is of exec ${execId}, which has not started`);
      return;
    }
    if (exec.sandboxId !== sandboxId) this.#say(`${type} ${id} has exec ${execId} in another sandbox`);
    if (exec.traceId !== traceId || exec.spanId !== spanId)
      this.#say(`${type} ${id} is not on the span that exec ${execId} began`);
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
