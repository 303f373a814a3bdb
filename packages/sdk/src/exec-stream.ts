import type { IncomingMessage } from "node:http";
import type { ExecRequest, ExitEvent, StreamEvent } from "@sandglass/protocol";
import { parseTraceparent } from "@sandglass/protocol";
import { SandglassError, StreamError } from "./errors.ts";
import { NdjsonParser } from "./ndjson.ts";
import type { Operation } from "./otel/operation.ts";
import type { Tracing } from "./tracing.ts";
import { drain } from "./transport/body.ts";
import type { Call } from "./transport/call.ts";
import { Reconnects } from "./transport/retry.ts";
import type { Transport } from "./transport/transport.ts";

/** Where an exec's stream comes from. */
export interface StreamSource {
  transport: Transport;
  sandboxId: string;
  tracing: Tracing | undefined;
  signal?: AbortSignal | undefined;
  /** As in `ExecHandlers`. */
  onConnection?: ((isConnected: boolean) => unknown) | undefined;
}

/** How long the kill of an aborted exec may take. */
const KILL_TIMEOUT_MS = 2_000;

/**
 * The lines of one exec, each exactly once and in order, whatever happens to the connection.
 *
 * A connection that breaks, ends without the `exit` line, or skips a `seq` is replaced: `…/stream?after=<last seq>`
 * picks up behind the last line that was handed out. Progress resets the bounded number of tries.
 */
export class ExecStream {
  readonly execId: string;
  readonly traceId: string;
  readonly #source: StreamSource;
  readonly #operation: Operation;
  /** Whether the exec was begun by this stream, and is ended with it. */
  readonly #isOwner: boolean;
  #response: IncomingMessage;
  #lastSeq: number;
  readonly #reconnects: Reconnects;
  #exit: ExitEvent | undefined;

  /** `lastSeq`: behind which line it follows; undefined where it began the exec. */
  private constructor(
    source: StreamSource,
    { response, operation }: OpenedStream,
    execId: string,
    lastSeq: number | undefined,
  ) {
    this.#source = source;
    this.#isOwner = lastSeq === undefined;
    this.#response = response;
    this.#operation = operation;
    this.execId = execId;
    this.traceId = traceIdOf(response);
    this.#lastSeq = lastSeq ?? -1;
    this.#reconnects = new Reconnects(source.transport.streamRetries);
    this.#reconnects.opened();
  }

  /** Starts an exec; resolves when it has begun. */
  static async start(source: StreamSource, request: ExecRequest): Promise<ExecStream> {
    const opened = await openStream(source, {
      route: "exec",
      params: { id: source.sandboxId },
      json: request,
      headers: { accept: "application/x-ndjson" },
      // A cell may wait in its context's queue for as long as the cell before it runs.
      timeoutMs: 0,
      signal: source.signal,
      tracing: source.tracing,
      attributes: { "sandglass.exec.kind": request.code === undefined ? "command" : "code" },
    });
    const execId = opened.response.headers["x-exec-id"];
    if (typeof execId !== "string") {
      opened.response.destroy();
      const error = new StreamError("the answer to an exec names no x-exec-id");
      opened.operation.fail(error);
      throw error;
    }
    opened.operation.set({ "sandglass.exec.id": execId });
    return new ExecStream(source, opened, execId, undefined);
  }

  /** Follows an exec that exists, behind line `after` (absent: from the first). */
  static async attach(source: StreamSource, execId: string, after?: number): Promise<ExecStream> {
    const opened = await openStream(source, followCall(source, execId, after ?? -1));
    return new ExecStream(source, opened, execId, after ?? -1);
  }

  /** Lets go of a stream before it is read: the exec runs on. */
  abandon(error: unknown): void {
    this.#response.destroy();
    this.#operation.fail(error);
  }

  /** Events in the groups they arrived in; the last group ends with `exit`. For one consumer. */
  async *batches(): AsyncGenerator<StreamEvent[], void, undefined> {
    try {
      while (this.#exit === undefined) {
        yield* this.#readConnection();
        if (this.#exit === undefined) await this.#resume();
      }
    } catch (error) {
      this.#response.destroy();
      this.#operation.fail(error);
      throw error;
    } finally {
      const { signal } = this.#source;
      const isAborted = this.#exit === undefined && signal?.aborted === true;
      if (isAborted) this.#operation.fail(signal.reason);
      this.#operation.end();
      // Who began it means "stop it" by an abort; a follower, and who merely leaves the loop, means "stop telling me".
      if (isAborted && this.#isOwner) await this.#killAborted();
    }
  }

  async *#readConnection(): AsyncGenerator<StreamEvent[], void, undefined> {
    const parser = new NdjsonParser<StreamEvent>();
    const chunks = this.#response.iterator({ destroyOnReturn: false });
    try {
      for (;;) {
        const next = await nextChunk(chunks, this.#source.signal);
        if (next === undefined) return;
        const { events, isBroken } = this.#accept(parser.push(next));
        if (this.#exit !== undefined) {
          await chunks.return?.();
          await drain(this.#response);
        }
        if (events.length > 0) {
          this.#reconnects.progressed();
          yield events;
        }
        if (this.#exit !== undefined || isBroken) return;
      }
    } finally {
      if (this.#exit === undefined) this.#response.destroy();
    }
  }

  /** The events that continue what was handed out: a replayed line is skipped, behind a hole nothing is taken. */
  #accept(arrived: StreamEvent[]): { events: StreamEvent[]; isBroken: boolean } {
    const events: StreamEvent[] = [];
    for (const event of arrived) {
      if (event.seq <= this.#lastSeq) continue;
      if (event.seq !== this.#lastSeq + 1) return { events, isBroken: true };
      this.#lastSeq = event.seq;
      events.push(event);
      if (event.type === "exit") {
        this.#exit = event;
        this.#operation.exited(event);
        break;
      }
    }
    return { events, isBroken: false };
  }

  /** Another connection in the place of one that broke. */
  async #resume(): Promise<void> {
    const { onConnection } = this.#source;
    await onConnection?.(false);
    this.#response = await this.#reopen();
    await onConnection?.(true);
  }

  async #reopen(): Promise<IncomingMessage> {
    let cause: unknown;
    while (await this.#reconnects.next(this.#source.signal)) {
      this.#operation.reconnecting();
      try {
        const call = followCall(this.#source, this.execId, this.#lastSeq);
        const response = await this.#source.transport.stream({ ...call, operation: this.#operation });
        this.#reconnects.opened();
        return response;
      } catch (error) {
        if (!isPassing(error)) throw error;
        cause = error;
      }
    }
    throw new StreamError(`the stream of ${this.execId} broke and could not be resumed`, {
      hint: `it may still run: continue with execs.stream("${this.execId}", { after: ${this.#lastSeq} })`,
      execId: this.execId,
      lastSeq: this.#lastSeq < 0 ? undefined : this.#lastSeq,
      cause,
    });
  }

  async #killAborted(): Promise<void> {
    const { transport, sandboxId, tracing } = this.#source;
    try {
      await transport.json({
        route: "killExec",
        params: { id: sandboxId, execId: this.execId },
        json: {},
        expects: "EXEC_ENDED",
        timeoutMs: KILL_TIMEOUT_MS,
        tracing,
      });
    } catch (error) {
      // The caller gets the reason of its abort; that the exec was over already, or its sandbox, is no news to it.
      if (!(error instanceof SandglassError)) throw error;
    }
  }
}

/** A stream and the operation that lasts as long as it. */
interface OpenedStream {
  response: IncomingMessage;
  operation: Operation;
}

async function openStream({ transport }: StreamSource, call: Call): Promise<OpenedStream> {
  const operation = await transport.begin(call);
  try {
    return { response: await transport.stream({ ...call, operation }), operation };
  } catch (error) {
    operation.fail(error);
    throw error;
  }
}

function followCall(source: StreamSource, execId: string, lastSeq: number): Call {
  return {
    route: "streamExec",
    params: { id: source.sandboxId, execId },
    query: { after: lastSeq < 0 ? undefined : lastSeq },
    headers: { accept: "application/x-ndjson" },
    signal: source.signal,
    tracing: source.tracing,
  };
}

/** The next chunk; undefined where the connection is over, by its end or by a break. */
async function nextChunk(
  chunks: AsyncIterator<Buffer>,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  try {
    const next = await chunks.next();
    return next.done ? undefined : next.value;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

/** Whether trying again may help: no connection, or a daemon that is just going or coming. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof SandglassError &&
    ["CONNECTION_FAILED", "SHUTTING_DOWN", "LOG_UNAVAILABLE", "REQUEST_TIMEOUT"].includes(error.code)
  );
}

function traceIdOf(response: IncomingMessage): string {
  const header = response.headers.traceresponse;
  return parseTraceparent(header)?.traceId ?? "";
}
