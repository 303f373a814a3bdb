import { isRunId, SandglassError } from "@sandglass/protocol";
import type { Handlers } from "../call.ts";
import { describeSandbox } from "./find-sandbox.ts";
import type { HandlerServices } from "./handler-services.ts";
import { placeOf, storeOf } from "./stored.ts";

type RunHandlers = Pick<Handlers, "startRun" | "addRunEvents" | "listRuns" | "getRun">;

export function runHandlers(services: HandlerServices): RunHandlers {
  const { runs } = services;
  return {
    startRun: ({ body, context, record }) =>
      runs.start(body, context).then((run) => {
        record.runId = run.runId;
        return run;
      }),

    addRunEvents: async (call) => {
      const { body, context, record } = call;
      const runId = runIdOf(call.params);
      record.runId = runId;
      // A number in another organisation's sequence would leave a hole in what that one sees.
      const sandboxIds = new Set(body.events.flatMap(({ sandboxId }) => sandboxId ?? []));
      for (const id of sandboxIds) await describeSandbox({ params: { id }, record: { ...record } }, services);
      await runs.addEvents(runId, body, context);
      return { accepted: body.events.length };
    },

    listRuns: ({ query, context, signal }) => {
      const { cursor, ...rest } = query;
      const { orgId } = context;
      return storeOf(services).ask("listRuns", { ...rest, after: placeOf(cursor), orgId }, signal);
    },

    getRun: async ({ params, context, signal }) => {
      const runId = runIdOf(params);
      const run = await storeOf(services).ask("getRun", { runId, orgId: context.orgId }, signal);
      if (run !== undefined) return run;
      throw new SandglassError("RUN_NOT_FOUND", `no run ${runId}`, {
        hint: "list them with: sandglass runs",
      });
    },
  };
}

function runIdOf(params: Readonly<Record<string, string>>): string {
  const runId = params.runId ?? "";
  if (isRunId(runId)) return runId;
  throw new SandglassError("INVALID_REQUEST", 'a run\'s id is "run_" and 1 to 64 letters, digits, _ or -');
}
