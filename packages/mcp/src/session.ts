import type { CallToolResult } from "@modelcontextprotocol/server";
import type { Client, CreateSandboxOptions, Run, ToolOutcome, TraceOptions } from "sandglass";
import type { ClientIdentity } from "./caller.ts";
import { failureResult, type OnProblem } from "./output/failure.ts";
import { RetriedPromise } from "./retried-promise.ts";
import { SessionSandboxes } from "./session-sandboxes.ts";

export interface SessionOptions {
  /** Calls the daemon, with the caller's key. The session's own: it is closed with it. */
  client: Client;
  /** Of the session's own sandbox. Default: the daemon's defaults, but ended after {@link DEFAULT_IDLE_MS} without a call. */
  sandbox?: CreateSandboxOptions | undefined;
  /** Record arguments and results of calls, not only their names and times. Default false. */
  captureContent?: boolean | undefined;
  /** Said of the run in its metadata. */
  transport: "stdio" | "http";
  /** Leaves its sandbox to its idle time at the end. Default false. */
  keepsSandbox?: boolean | undefined;
  onProblem: OnProblem;
}

/** Until the sandbox of a session is ended that nobody calls and nobody closed: its client was killed, or its host. */
export const DEFAULT_IDLE_MS: number = 30 * 60_000;

/** One call of a tool, as the protocol brings it. */
export interface SessionCall {
  tool: string;
  args: unknown;
  client: ClientIdentity;
  /** Where the caller stands in a trace; the session's run where it says nothing. */
  trace: TraceOptions;
  /** Aborted where the client cancels the call. */
  signal: AbortSignal;
}

/** What a tool is given to do its work. */
export interface CallPlace {
  client: Client;
  run: Run;
  sandboxes: SessionSandboxes;
  /** Of this call: cancelled, or the session's end. */
  signal: AbortSignal;
}

/**
 * One client's session: a run of the record, named after the client, with one span for each call, and a sandbox of its own that ends
 * with it. Both are made by the first call that needs them.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #run = new RetriedPromise<Run>();
  readonly #sandboxes: SessionSandboxes;
  readonly #ending = new AbortController();
  readonly #calls = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#sandboxes = new SessionSandboxes({
      idleTimeoutMs: DEFAULT_IDLE_MS,
      onIdle: "terminate",
      ...options.sandbox,
    });
  }

  /** Calls under way. */
  get active(): number {
    return this.#calls.size;
  }

  /**
   * Does one call within its span, and says with its result how it went: what fails is a result too. Rejects with the reason where the
   * call is cancelled: nobody waits for a result then.
   */
  async call(
    call: SessionCall,
    work: (place: CallPlace) => Promise<CallToolResult>,
  ): Promise<CallToolResult> {
    const doing = this.#call(call, work);
    this.#calls.add(doing);
    try {
      return await doing;
    } finally {
      this.#calls.delete(doing);
    }
  }

  /**
   * Cancels what is under way, ends the session's sandbox and its run. Idempotent.
   *
   * @param options `keepsSandbox` where whoever ends the session ends the sandboxes too
   */
  close(options: { keepsSandbox?: boolean } = {}): Promise<void> {
    this.#closed ??= this.#close(options.keepsSandbox ?? this.#options.keepsSandbox ?? false);
    return this.#closed;
  }

  async #call(
    call: SessionCall,
    work: (place: CallPlace) => Promise<CallToolResult>,
  ): Promise<CallToolResult> {
    const { onProblem, client } = this.#options;
    const signal = AbortSignal.any([call.signal, this.#ending.signal]);
    try {
      signal.throwIfAborted();
      const run = await this.#run.get(() => this.#startRun(call.client));
      const place: CallPlace = { client, run, sandboxes: this.#sandboxes, signal };
      const attempt = async (): Promise<CallToolResult> => {
        try {
          return await work(place);
        } catch (error) {
          if (signal.aborted) throw signal.reason;
          return failureResult(error, onProblem);
        }
      };
      return await run.tool(call.tool, call.args, attempt, { ...call.trace, outcome });
    } catch (error) {
      if (signal.aborted) throw error;
      return failureResult(error, onProblem);
    }
  }

  async #startRun({ name, version }: ClientIdentity): Promise<Run> {
    const { client, captureContent, transport } = this.#options;
    const metadata = { "mcp.transport": transport, ...(version !== "" && { "mcp.client.version": version }) };
    return client.run({ name, agent: name, metadata, captureContent: captureContent ?? false });
  }

  async #close(keepsSandbox: boolean): Promise<void> {
    // None of the catalogue: a sandbox that seems to have ended would be replaced.
    this.#ending.abort(new Error("the session has ended"));
    await Promise.allSettled(this.#calls);
    const { onProblem, client } = this.#options;
    const run = await this.#run.peek()?.catch(() => undefined);
    const endings = [keepsSandbox ? undefined : this.#sandboxes.close(), run?.complete()];
    for (const ending of await Promise.allSettled(endings)) {
      if (ending.status === "rejected") onProblem("a session did not end in order", ending.reason);
    }
    await client.close();
  }
}

/** What the record keeps of a result, where it keeps content: its words, not its images. */
function outcome({ isError, content }: CallToolResult): ToolOutcome {
  const words = content.flatMap((block) => (block.type === "text" ? [block.text] : [`[${block.type}]`]));
  return { result: words.join("\n"), isError: isError ?? false };
}
