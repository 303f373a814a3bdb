import { callHttp, type HttpCall, openHttp, type Seeded, type TestDaemon } from "@sandglass/testkit";
import type { Told } from "./told.ts";

/** How a client works. */
export interface ClientOptions {
  told: Told;
  random: Seeded;
  /** Sandboxes that it holds at most. */
  holds: number;
  /** Error codes that are to be expected beside those of a sandbox that has ended. */
  mayRefuse?: readonly string[];
  /** What its sandboxes have beside their template and size. */
  sandbox?: object;
  /** Commands to choose from; the default ones write up to 300 kB and take up to half a second. */
  commands?: readonly string[];
}

type Exec = Told["execs"][number];

/** A sandbox that ended under a client's hands is nothing that went wrong for it. */
const ENDED = ["SANDBOX_ENDED", "SANDBOX_NOT_FOUND", "EXEC_NOT_FOUND", "EXEC_ENDED"];
const COMMANDS = [
  "true",
  "echo out; echo err >&2; exit 3",
  "head -c 300000 /dev/urandom | base64",
  "head -c 2000 /dev/urandom",
  "for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.05; done",
  "setsid sleep 60 & echo left one behind",
  "kill -TERM $$",
];

/** One caller that works until it is stopped or its daemon is gone, and writes down what it was told. */
export class FireClient {
  readonly #daemon: TestDaemon;
  readonly #options: ClientOptions;
  readonly #held: Told["sandboxes"] = [];
  #deck: string[] = [];
  #names = 0;
  /** The run that it has open, and the span of that. */
  #run: { runId: string; spanId: string } | undefined;

  constructor(daemon: TestDaemon, options: ClientOptions) {
    this.#daemon = daemon;
    this.#options = options;
  }

  /**
   * Resolves when `stop` is aborted and what was begun has ended, or the connection broke.
   *
   * @param isDoomed whether the daemon is being killed: a broken connection is no error then
   */
  async run(stop: AbortSignal, isDoomed: () => boolean): Promise<void> {
    try {
      while (!stop.aborted) await this.#step();
    } catch (error) {
      if (!(isDoomed() && isBrokenBy(error))) throw error;
    }
  }

  /** Ends what it holds. */
  async tidy(): Promise<void> {
    while (this.#held.length > 0) await this.#terminate(this.#held[0]!);
  }

  async #step(): Promise<void> {
    const { random, holds } = this.#options;
    if (this.#held.length === 0 || (this.#held.length < holds && random.int(4) === 0)) return this.#create();
    const sandbox = random.pick(this.#held);
    const choice = random.int(25);
    if (choice < 9) return this.#exec(sandbox.id, this.#nextCommand());
    if (choice < 12) return this.#execKilled(sandbox.id);
    if (choice < 16) return this.#upload(sandbox.id);
    if (choice < 18) return this.#both(sandbox.id);
    if (choice < 19) return this.#rearrange(sandbox.id);
    if (choice < 20) return this.#pauseAndResume(sandbox.id);
    if (choice < 22) return this.#tellOfRun();
    if (choice < 23 && this.#held.length < holds) return this.#fork(sandbox.id);
    return this.#terminate(sandbox);
  }

  /** Each of them, in any order, before any comes again: also where a slow machine has time for few. */
  #nextCommand(): string {
    const { random, commands = COMMANDS } = this.#options;
    if (this.#deck.length === 0) this.#deck = [...commands];
    return this.#deck.splice(random.int(this.#deck.length), 1)[0]!;
  }

  async #create(): Promise<void> {
    const answer = await this.#call("create", "POST /v1/sandboxes", {
      json: { template: "bash", memoryMb: 64, diskMb: 64, ...this.#options.sandbox },
    });
    if (answer === undefined) return;
    const sandbox = { id: answer.id as string };
    this.#held.push(sandbox);
    this.#options.told.sandboxes.push(sandbox);
  }

  async #terminate(sandbox: Told["sandboxes"][number]): Promise<void> {
    this.#held.splice(this.#held.indexOf(sandbox), 1);
    const answer = await this.#call("terminate", `DELETE /v1/sandboxes/${sandbox.id}`);
    // Idempotent: one that had ended by itself is answered alike, so that this alone does not say why it ended.
    if (answer !== undefined && this.#options.mayRefuse === undefined) sandbox.isTerminated = true;
  }

  async #upload(sandboxId: string): Promise<void> {
    const name = this.#newName();
    const body = this.#options.random.bytes(1 + this.#options.random.int(5000));
    const answer = await this.#call("upload", `PUT /v1/sandboxes/${sandboxId}/files/${name}`, { body });
    if (answer === undefined) return;
    this.#options.told.files.push({ sandboxId, path: `/workspace/${name}`, sizeBytes: body.length });
  }

  async #execKilled(sandboxId: string): Promise<void> {
    const command = "while :; do echo working; sleep 0.02; done";
    await this.#stream(sandboxId, { command, timeoutMs: 0 }, async (exec) => {
      const kill = `POST /v1/sandboxes/${sandboxId}/execs/${exec.execId}/kill`;
      const answer = await this.#call("kill", kill, { json: { signal: "SIGKILL" } });
      if (answer !== undefined) exec.isKilled = true;
    });
  }

  /** A directory that is made, moved and deleted. */
  async #rearrange(sandboxId: string): Promise<void> {
    const [from, to] = [this.#newName(), this.#newName()];
    const files = `/v1/sandboxes/${sandboxId}/files`;
    const moved = ["file.deleted", "file.created"];
    if (!(await this.#change(["file.created"], `POST ${files}/mkdir`, { path: from }))) return;
    if (!(await this.#change(moved, `POST ${files}/move`, { from, to }))) return;
    await this.#change(["file.deleted"], `DELETE ${files}/${to}`);
  }

  async #pauseAndResume(sandboxId: string): Promise<void> {
    if (!(await this.#change(["sandbox.paused"], `POST /v1/sandboxes/${sandboxId}/pause`))) return;
    await this.#change(["sandbox.resumed"], `POST /v1/sandboxes/${sandboxId}/resume`);
  }

  async #fork(sandboxId: string): Promise<void> {
    const line = `POST /v1/sandboxes/${sandboxId}/fork`;
    const answer = await this.#change(["sandbox.forked", "sandbox.created"], line, { n: 1 });
    for (const { id } of answer?.children ?? []) {
      const child = { id };
      this.#held.push(child);
      this.#options.told.sandboxes.push(child);
    }
  }

  /** Opens a run, tells of it, and in the end that it is over. */
  async #tellOfRun(): Promise<void> {
    const { told, random } = this.#options;
    if (this.#run === undefined) {
      this.#run = await this.#change(["run.started"], "POST /v1/runs", { name: "work" });
      return;
    }
    const { runId, spanId: on } = this.#run;
    const calls = Array.from({ length: 1 + random.int(3) }, () => ({
      type: "agent.tool_call",
      spanId: random.bytes(8).toString("hex"),
      data: { toolName: "work", toolCallId: this.#newName() },
    }));
    const isOver = random.int(3) === 0;
    const usage = { costUsd: 0, inputTokens: 0, outputTokens: 0 };
    const end = { type: "run.completed", data: { name: "work", status: "ok", durationMs: 1, ...usage } };
    const events = isOver ? [...calls, end] : calls;
    if (!(await this.#call("tell", `POST /v1/runs/${runId}/events`, { json: { events } }))) return;
    for (const { type, spanId } of calls) told.changes.push({ type, on: spanId });
    if (!isOver) return;
    told.changes.push({ type: end.type, on });
    this.#run = undefined;
  }

  /** No two are the same, in all lives of a daemon. */
  #newName(): string {
    return `work-${this.#options.random.int(2 ** 31)}-${this.#names++}`;
  }

  /** A cell and a command at once, in one sandbox. */
  async #both(sandboxId: string): Promise<void> {
    const cell = this.#stream(sandboxId, { code: "echo cell; echo more >&2", language: "bash" });
    await Promise.all([cell, this.#exec(sandboxId, "echo beside it")]);
  }

  #exec(sandboxId: string, command: string): Promise<void> {
    return this.#stream(sandboxId, { command, timeoutMs: 20_000 });
  }

  async #stream(sandboxId: string, json: object, onOutput?: (exec: Exec) => Promise<void>): Promise<void> {
    const startedMs = performance.now();
    const response = await openHttp(this.#daemon, `POST /v1/sandboxes/${sandboxId}/exec`, { json });
    if (response.statusCode !== 200) {
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
      return this.#refused("exec", text);
    }
    const execId = response.headers["x-exec-id"] as string;
    const exec: Exec = { sandboxId, execId, stdoutBytes: 0, stderrBytes: 0 };
    this.#options.told.execs.push(exec);
    let acting: Promise<void> | undefined;
    let rest = "";
    for await (const chunk of response.setEncoding("utf8")) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(exec, line);
      if (acting !== undefined || onOutput === undefined) continue;
      acting = onOutput(exec);
      acting.catch(() => undefined); // it is awaited below, unless the stream breaks first
    }
    await acting;
    if (exec.exit === undefined) {
      this.#options.told.surprises.push(`the stream of exec ${execId} ended without an exit`);
    }
    if (onOutput === undefined) this.#sample("exec", startedMs);
  }

  /** The answer to a call that the record has an event of each of these types about, below the span of the request. */
  // biome-ignore lint/suspicious/noExplicitAny: as below
  #change(types: readonly string[], line: string, json?: object): Promise<any> {
    return this.#call("change", line, json === undefined ? {} : { json }, types);
  }

  /** The answer; undefined where it was an error that may be. */
  async #call(
    operation: string,
    line: string,
    call: HttpCall = {},
    types: readonly string[] = [],
    // biome-ignore lint/suspicious/noExplicitAny: answers have many shapes
  ): Promise<any> {
    const startedMs = performance.now();
    const answer = await callHttp(this.#daemon, line, call);
    if (answer.status >= 400) return this.#refused(operation, answer.text);
    this.#sample(operation, startedMs);
    const [, , below = ""] = String(answer.headers.traceresponse).split("-");
    for (const type of types) this.#options.told.changes.push({ type, below });
    return answer.text === "" ? {} : answer.json;
  }

  #sample(operation: string, startedMs: number): void {
    const atMs = performance.now();
    this.#options.told.samples.push({ operation, atMs, tookMs: atMs - startedMs });
  }

  #refused(operation: string, text: string): undefined {
    const { told, mayRefuse = [] } = this.#options;
    const { code = "" } = (JSON.parse(text) as { error?: { code?: string } }).error ?? {};
    told.refuse(code);
    if (ENDED.includes(code)) {
      // Whichever it was is not to be used again.
      for (const sandbox of [...this.#held])
        if (text.includes(sandbox.id)) this.#held.splice(this.#held.indexOf(sandbox), 1);
    } else if (!mayRefuse.includes(code)) told.surprises.push(`${operation}: ${text}`);
    return undefined;
  }
}

function take(exec: Exec, line: string): void {
  const event = JSON.parse(line) as {
    type: string;
    data: string;
    encoding?: "base64";
    cause: string;
    code: number;
  };
  if (event.type === "exit") exec.exit = { cause: event.cause, code: event.code };
  if (event.type !== "stdout" && event.type !== "stderr") return;
  exec[`${event.type}Bytes`] += Buffer.byteLength(event.data, event.encoding ?? "utf8");
}

/** Whether an error is that the other side has gone. */
export function isBrokenBy(error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return ["ECONNRESET", "ECONNREFUSED", "EPIPE"].includes(code);
}
