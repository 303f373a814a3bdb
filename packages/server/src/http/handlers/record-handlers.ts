import { isTraceId, SandglassError } from "@sandglass/protocol";
import { decodeCursor, encodeCursor, type RecordLine } from "@sandglass/telemetry";
import type { FindLastEvents } from "../../store/queries/find-last-events.ts";
import type { SearchEvents } from "../../store/queries/search-events.ts";
import { type Handlers, JsonBytes, type LineAnswer } from "../call.ts";
import type { HandlerServices } from "./handler-services.ts";
import { placeOf, storeOf } from "./stored.ts";

type RecordHandlers = Pick<Handlers, "listEvents" | "getTrace" | "listTraces" | "listLogs" | "followLogs">;

export function recordHandlers(services: HandlerServices): RecordHandlers {
  const { recorder } = services;
  return {
    listEvents: async ({ query, context, signal: callerGone }) => {
      const { types, minLevel, last, search, ...rest } = query;
      if (search !== undefined)
        return searchAnswer(services, { ...query, search }, context.orgId, callerGone);
      const filter = { ...(types !== undefined && { types }), ...(minLevel !== undefined && { minLevel }) };
      const gone = new AbortController();
      // A stop ends the followers too: they are not work to wait for.
      const signal = AbortSignal.any([gone.signal, services.stopping]);
      const after = rest.after ?? (await placeBeforeLast(services, { ...query, orgId: context.orgId }));
      // Opened here, so that a bad cursor is an answer and not a broken stream.
      const lines = recorder.read({
        ...rest,
        ...(after !== undefined && { after }),
        filter,
        orgId: context.orgId,
        signal,
      });
      return {
        lines: (clientGone) => {
          clientGone.addEventListener("abort", () => gone.abort(), { once: true });
          return withCursors(lines);
        },
      };
    },

    listTraces: ({ query: { cursor, ...query }, context: { orgId }, signal }) =>
      storeOf(services).ask("listTraces", { ...query, orgId, after: placeOf(cursor) }, signal),

    listLogs: ({ query: { cursor, around, lines, ...query }, context: { orgId }, signal }) =>
      around === undefined
        ? storeOf(services).ask("listLogs", { ...query, orgId, after: placeOf(cursor) }, signal)
        : storeOf(services).ask("logsAround", { orgId, id: around, lines }, signal),

    followLogs: ({ query, context: { orgId } }) => {
      const { tail } = storeOf(services);
      return {
        lines: (gone) => tail.follow({ ...query, orgId }, AbortSignal.any([gone, services.stopping])),
      };
    },

    getTrace: async ({ params, context, signal }) => {
      const traceId = params.traceId ?? "";
      if (!isTraceId(traceId)) {
        throw new SandglassError(
          "INVALID_REQUEST",
          "a trace id is 32 lower-case hex characters, not all zero",
        );
      }
      const { orgId } = context;
      const trace = await findTrace(services, { traceId, orgId }, signal);
      if (trace !== undefined) return trace;
      throw new SandglassError("TRACE_NOT_FOUND", `nothing is recorded of trace ${traceId}`, {
        hint: "old events go with the retention; see the options retention.*",
      });
    },
  };
}

const MAX_FOUND = 10_000;

/** The same lines, of events that the store found. */
async function searchAnswer(
  services: HandlerServices,
  query: Omit<SearchEvents, "after" | "limit" | "isLast" | "orgId"> & SearchRange,
  orgId: string,
  signal: AbortSignal,
): Promise<LineAnswer> {
  const { after, last, limit = MAX_FOUND, ...rest } = query;
  const position = after === undefined ? 0 : decodeCursor(after, services.recorder.log.lastPosition);
  const isLast = last !== undefined && after === undefined;
  const atMost = Math.min(MAX_FOUND, limit, last ?? MAX_FOUND);
  const wanted = { ...rest, orgId, after: position, limit: atMost, isLast };
  const found = await storeOf(services).ask("searchEvents", wanted, signal);
  return {
    lines: async function* () {
      for (const { position: at, event } of found)
        yield `${JSON.stringify({ cursor: encodeCursor(at), ...event })}\n`;
    },
  };
}

interface SearchRange {
  after?: string | undefined;
  last?: number | undefined;
  limit?: number | undefined;
}

/** The cursor behind which the last so many events are. Without a store, or while it is being filled: so many of all events. */
async function placeBeforeLast(
  { store, recorder }: HandlerServices,
  query: Omit<FindLastEvents, "last"> & { last?: number | undefined },
): Promise<string | undefined> {
  const { last } = query;
  if (last === undefined) return undefined;
  const { lastPosition, oldestPosition } = recorder.log;
  const place = (position: number): string => encodeCursor(Math.max(position, oldestPosition) - 1);
  try {
    const found = await store?.ask("findLastEvents", { ...query, last });
    if (store !== undefined) return place(found ?? lastPosition + 1);
  } catch (error) {
    if (!(error instanceof SandglassError && error.code === "STORE_UNAVAILABLE")) throw error;
  }
  return place(lastPosition - last + 1);
}

/** Without a store, or while it is being filled, there is what the host itself tells, read out of the log. */
async function findTrace(
  { store, recorder }: HandlerServices,
  query: { traceId: string; orgId: string },
  signal: AbortSignal,
) {
  try {
    if (store !== undefined) {
      const bytes = await store.ask("getTraceJson", query, signal);
      return bytes && new JsonBytes(bytes);
    }
  } catch (error) {
    if (!(error instanceof SandglassError && error.code === "STORE_UNAVAILABLE")) throw error;
  }
  return recorder.getTrace(query.traceId, query.orgId);
}

/** The line as it is in the log, with the cursor in front: nothing is printed anew. */
async function* withCursors(lines: AsyncIterable<RecordLine>): AsyncGenerator<string> {
  for await (const { cursor, json } of lines) yield `{"cursor":${JSON.stringify(cursor)},${json.slice(1)}\n`;
}
