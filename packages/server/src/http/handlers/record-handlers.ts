import { isTraceId, SandglassError } from "@sandglass/protocol";
import { encodeCursor, type RecordLine } from "@sandglass/telemetry";
import type { FindLastEvents } from "../../store/queries/find-last-events.ts";
import type { Handlers } from "../call.ts";
import type { HandlerServices } from "./handler-services.ts";
import { placeOf, storeOf } from "./stored.ts";

type RecordHandlers = Pick<Handlers, "listEvents" | "getTrace" | "listTraces" | "listLogs">;

export function recordHandlers(services: HandlerServices): RecordHandlers {
  const { recorder } = services;
  return {
    listEvents: async ({ query, context }) => {
      const { types, minLevel, last, ...rest } = query;
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

    listTraces: ({ query: { cursor, ...query }, context: { orgId } }) =>
      storeOf(services).ask("listTraces", { ...query, orgId, after: placeOf(cursor) }),

    listLogs: ({ query: { cursor, ...query }, context: { orgId } }) =>
      storeOf(services).ask("listLogs", { ...query, orgId, after: placeOf(cursor) }),

    getTrace: async ({ params, context }) => {
      const traceId = params.traceId ?? "";
      if (!isTraceId(traceId)) {
        throw new SandglassError(
          "INVALID_REQUEST",
          "a trace id is 32 lower-case hex characters, not all zero",
        );
      }
      const { orgId } = context;
      const trace = await findTrace(services, traceId, orgId);
      if (trace !== undefined) return trace;
      throw new SandglassError("TRACE_NOT_FOUND", `nothing is recorded of trace ${traceId}`, {
        hint: "old events go with the retention; see the options retention.*",
      });
    },
  };
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
async function findTrace({ store, recorder }: HandlerServices, traceId: string, orgId: string) {
  try {
    if (store !== undefined) return await store.ask("getTrace", { traceId, orgId });
  } catch (error) {
    if (!(error instanceof SandglassError && error.code === "STORE_UNAVAILABLE")) throw error;
  }
  return recorder.getTrace(traceId, orgId);
}

/** The line as it is in the log, with the cursor in front: nothing is printed anew. */
async function* withCursors(lines: AsyncIterable<RecordLine>): AsyncGenerator<string> {
  for await (const { cursor, json } of lines) yield `{"cursor":${JSON.stringify(cursor)},${json.slice(1)}\n`;
}
