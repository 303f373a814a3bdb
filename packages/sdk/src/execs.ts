import type { ExecInfo, Page, SignalName, StreamEvent } from "@sandglass/protocol";
import { type ExecHandlers, eventsOf } from "./exec.ts";
import { ExecStream, type StreamSource } from "./exec-stream.ts";
import type { Call } from "./transport/call.ts";

/** One page of a list. */
export interface PageOptions {
  /** Items on the page; default 100. */
  limit?: number;
  /** `nextCursor` of the page before. */
  cursor?: string;
  signal?: AbortSignal;
}

/** The execs of one sandbox: running ones and those that ended, also after the sandbox is gone. */
export class Execs {
  readonly #source: StreamSource;

  constructor(source: StreamSource) {
    this.#source = source;
  }

  /** Newest first. */
  async list(options: PageOptions = {}): Promise<Page<ExecInfo>> {
    const { limit, cursor, signal } = options;
    const call = this.#call("listExecs", signal);
    return (await this.#source.transport.json<Page<ExecInfo>>({ ...call, query: { limit, cursor } })).value;
  }

  /** @throws SandglassError EXEC_NOT_FOUND */
  async get(execId: string, options: { signal?: AbortSignal } = {}): Promise<ExecInfo> {
    return (await this.#source.transport.json<ExecInfo>(this.#call("getExec", options.signal, execId))).value;
  }

  /**
   * Sends a signal; default SIGKILL.
   *
   * @throws SandglassError EXEC_ENDED where it has ended already
   */
  async kill(execId: string, options: { signal?: SignalName } = {}): Promise<ExecInfo> {
    const json = options.signal === undefined ? {} : { signal: options.signal };
    const call = { ...this.#call("killExec", undefined, execId), json };
    return (await this.#source.transport.json<ExecInfo>(call)).value;
  }

  /**
   * Replays and follows an exec's stream from the line behind `after` (absent: from the first) to its `exit`.
   * Picks itself up again when the connection breaks; `onConnection` is told of that, as in {@link ExecHandlers}.
   */
  async *stream(
    execId: string,
    options: { after?: number; signal?: AbortSignal } & Pick<ExecHandlers, "onConnection"> = {},
  ): AsyncGenerator<StreamEvent, void, undefined> {
    const { after, signal, onConnection } = options;
    // A follower is a listener: its going away, by abort too, is nothing to the exec.
    const stream = await ExecStream.attach({ ...this.#source, signal, onConnection }, execId, after);
    yield* eventsOf(stream);
  }

  #call(route: Call["route"], signal: AbortSignal | undefined, execId?: string): Call {
    const { sandboxId, tracing } = this.#source;
    return { route, params: { id: sandboxId, ...(execId !== undefined && { execId }) }, signal, tracing };
  }
}
