import type { IncomingMessage } from "node:http";
import type { EventLine, Level } from "@sandglass/protocol";
import { SandglassError, StreamError } from "./errors.ts";
import { linesOf } from "./ndjson-lines.ts";
import type { Operation } from "./otel/operation.ts";
import type { Call } from "./transport/call.ts";
import { Reconnects } from "./transport/retry.ts";
import type { Transport } from "./transport/transport.ts";

/** Which events, from where, and whether to stay. */
export interface EventsOptions {
  /** Patterns as `exec.*`, `sandbox.created`, `!exec.streamed`; default all. */
  types?: readonly string[];
  /** This level and the more severe ones; default all. */
  minLevel?: Level;
  sandboxId?: string;
  runId?: string;
  traceId?: string;
  /** A `cursor` of an earlier line: what comes behind it. Default: from the beginning of what is kept. */
  after?: string;
  /** Instead of `after`: begin with the last so many that the filters let through, 1 to 100,000. */
  last?: number;
  /** Words of their texts, all of them: `word`, `begin*`, `"a phrase"`, `-not`. No more than 10,000 events, and not with `follow`. */
  search?: string;
  /** Stay and yield what happens from now on. Default false: ends at the record's end. */
  follow?: boolean;
  /** Ends after so many events. */
  limit?: number;
  /** Aborting ends the loop with the signal's reason. */
  signal?: AbortSignal;
  /** Told false when the connection broke and is being made again, and true when it stands: what came meanwhile comes then. A promise it returns is waited for. */
  onConnection?: (isConnected: boolean) => unknown;
}

/**
 * The record, event by event, each with its `cursor`. A broken connection is picked up behind the last cursor, so nothing is
 * lost or seen twice; where the daemon had to remove what was not read yet, a `gap` line says how much.
 *
 * @throws StreamError where the daemon stays away for longer than the bounded tries
 */
export async function* readEvents(
  transport: Transport,
  options: EventsOptions,
): AsyncGenerator<EventLine, void, undefined> {
  const operation = await transport.begin(eventsCall(options));
  try {
    yield* resumedEvents(transport, options, operation);
  } catch (error) {
    operation.fail(error);
    throw error;
  } finally {
    operation.end();
  }
}

async function* resumedEvents(
  transport: Transport,
  options: EventsOptions,
  operation: Operation,
): AsyncGenerator<EventLine, void, undefined> {
  const { signal, follow, onConnection } = options;
  const reconnects = new Reconnects(transport.streamRetries);
  let { after, limit } = options;
  let cause: unknown;
  let isLost = false;
  // The first connection gets no second chance: a daemon that is not there is better said at once.
  let response: IncomingMessage | undefined = await transport.stream({ ...eventsCall(options), operation });
  do {
    try {
      if (response === undefined) {
        operation.reconnecting();
        const rest = { ...options, ...defined({ after, limit }) };
        response = await transport.stream({ ...eventsCall(rest), operation });
        isLost = false;
        await told(onConnection, response);
      }
      reconnects.opened();
      for await (const line of linesOf<EventLine>(response)) {
        reconnects.progressed();
        after = line.cursor;
        if (limit !== undefined && line.type !== "gap") limit -= 1;
        yield line;
      }
      if (limit === 0) return;
      // Without `follow` the end of the body is the end of the record; with it, a daemon that is going.
      if (!follow) return;
      cause = undefined;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (!isPassing(error)) throw error;
      cause = error;
    }
    response = undefined;
    if (!isLost) await onConnection?.(false);
    isLost = true;
  } while (await reconnects.next(signal));
  throw new StreamError("the stream of events broke and could not be resumed", {
    hint: after === undefined ? "is the daemon running?" : `continue with events({ after: "${after}" })`,
    cause,
  });
}

/** An error of its own lets go of the connection it was told of. */
async function told(onConnection: EventsOptions["onConnection"], response: IncomingMessage): Promise<void> {
  try {
    await onConnection?.(true);
  } catch (error) {
    response.destroy();
    throw error;
  }
}

function eventsCall(options: EventsOptions): Call {
  const { signal, follow, last, onConnection: _, ...filter } = options;
  return {
    route: "listEvents",
    // What was begun from the last so many goes on behind what came.
    query: { ...filter, follow: follow || undefined, last: filter.after === undefined ? last : undefined },
    headers: { accept: "application/x-ndjson" },
    // A filtered reading may search long before its first line.
    timeoutMs: 0,
    signal,
  };
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof SandglassError)) return error instanceof Error && "code" in error;
  return ["CONNECTION_FAILED", "SHUTTING_DOWN", "LOG_UNAVAILABLE"].includes(error.code);
}

function defined<T extends object>(options: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}
