import type { SandboxInfo } from "@sandglass/protocol";
import { isOperator } from "../../caller.ts";
import type { Handlers } from "../call.ts";
import { pageOf } from "../page.ts";
import { describeSandbox, liveSandbox, sandboxOf } from "./find-sandbox.ts";
import type { HandlerServices } from "./handler-services.ts";

type SandboxHandlers = Pick<
  Handlers,
  "createSandbox" | "listSandboxes" | "getSandbox" | "deleteSandbox" | "pauseSandbox" | "resumeSandbox"
>;

export function sandboxHandlers(services: HandlerServices): SandboxHandlers {
  const { runtime } = services;
  return {
    createSandbox: async ({ body, context, record, caller }) => {
      record.runId = body.runId ?? "";
      const isTrusted = isOperator(caller);
      const handle = await runtime.create(body, { ...context, runId: record.runId }, { isTrusted });
      record.sandboxId = handle.id;
      return handle.info();
    },

    listSandboxes: ({ query, context }) => {
      const { state, runId } = query;
      const isWanted = (info: SandboxInfo) =>
        (state === undefined || info.state === state) && (runId === undefined || info.runId === runId);
      const known = runtime.list(context.orgId, { ended: query.ended || state === "terminated" });
      return pageOf(known.filter(isWanted), query, (info) => info.createdAt);
    },

    getSandbox: (call) => describeSandbox(call, services),

    deleteSandbox: async (call) => {
      const handle = liveSandbox(call, services);
      if (handle !== undefined) return handle.terminate("user", call.context);
      // Known to the record alone, it has ended; known to nobody, it never was.
      await describeSandbox(call, services);
    },

    pauseSandbox: async (call) => {
      const handle = sandboxOf(call, services);
      await handle.pause(call.context);
      return handle.info();
    },

    resumeSandbox: async (call) => {
      const handle = sandboxOf(call, services);
      await handle.resume(call.context);
      return handle.info();
    },
  };
}
