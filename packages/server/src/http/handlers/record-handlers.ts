import { isRunId, isTraceId, SandglassError } from "@sandglass/protocol";
import type { RecordLine } from "@sandglass/telemetry";
import type { Handlers } from "../call.ts";
import { describeSandbox } from "./find-sandbox.ts";
import type { HandlerServices } from "./handler-services.ts";

type RecordHandlers = Pick<Handlers, "listEvents" | "startRun" | "addRunEvents" | "getTrace">;

export function recordHandlers(services: HandlerServices): RecordHandlers {
  const { recorder, runs } = services;
  return {
    listEvents: ({ query, context }) => {
      const { types, minLevel, ...rest } = query;
      const filter = { ...(types !== undefined && { types }), ...(minLevel !== undefined && { minLevel }) };
      const gone = new AbortController();
      // A stop ends the followers too: they are not work to wait for.
      const signal = AbortSignal.any([gone.signal, services.stopping]);
      // Opened here, so that a bad cursor is an answer and not a broken stream.
      const lines = recorder.read({ ...rest, filter, orgId: context.orgId, signal });
      return {
        lines: (clientGone) => {
          clientGone.addEventListener("abort", () => gone.abort(), { once: true });
          return withCursors(lines);
        },
      };
    },

    startRun: ({ body, context, record }) =>
      runs.start(body, context).then((run) => {
        record.runId = run.runId;
        return run;
      }),

    addRunEvents: async (call) => {
      const { body, context, record } = call;
      const runId = call.params.runId ?? "";
      if (!isRunId(runId)) {
        throw new SandglassError(
          "INVALID_REQUEST",
          'a run\'s id is "run_" and 1 to 64 letters, digits, _ or -',
        );
      }
      record.runId = runId;
      // A number in another organisation's sequence would leave a hole in what that one sees.
      const sandboxIds = new Set(body.events.flatMap(({ sandboxId }) => sandboxId ?? []));
      for (const id of sandboxIds) await describeSandbox({ params: { id }, record: { ...record } }, services);
      await runs.addEvents(runId, body, context);
      return { accepted: body.events.length };
    },

    getTrace: async ({ params, context }) => {
      const traceId = params.traceId ?? "";
      if (!isTraceId(traceId)) {
        throw new SandglassError(
          "INVALID_REQUEST",
          "a trace id is 32 lower-case hex characters, not all zero",
        );
      }
      const trace = await recorder.getTrace(traceId, context.orgId);
      if (trace !== undefined) return trace;
      throw new SandglassError("TRACE_NOT_FOUND", `nothing is recorded of trace ${traceId}`, {
        hint: "old events go with the retention; see the options retention.*",
      });
    },
  };
}

/** The line as it is in the log, with the cursor in front: nothing is printed anew. */
async function* withCursors(lines: AsyncIterable<RecordLine>): AsyncGenerator<string> {
  for await (const { cursor, json } of lines) yield `{"cursor":${JSON.stringify(cursor)},${json.slice(1)}\n`;
}
