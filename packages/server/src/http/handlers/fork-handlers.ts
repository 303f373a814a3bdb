import { SandglassError } from "@sandglass/protocol";
import type { Handlers } from "../call.ts";
import { sandboxOf } from "./find-sandbox.ts";
import type { HandlerServices } from "./handler-services.ts";

type ForkHandlers = Pick<Handlers, "forkSandbox" | "diffSandbox" | "mergeSandbox">;

export function forkHandlers(services: HandlerServices): ForkHandlers {
  const { runtime } = services;
  return {
    forkSandbox: async (call) => {
      const children = await runtime.fork(sandboxOf(call, services), call.body.n ?? 1, call.context);
      return { children: children.map(({ id }) => ({ id, state: "files" })) };
    },

    diffSandbox: async (call) => {
      const handle = sandboxOf(call, services);
      const against = call.query.against ?? handle.info().parentId;
      if (against === undefined) {
        throw new SandglassError("INVALID_REQUEST", `sandbox ${handle.id} was not forked from another`, {
          hint: "say what to compare it with: ?against=sbx_…",
        });
      }
      return runtime.diff(handle, runtime.get(against, call.context.orgId));
    },

    mergeSandbox: async (call) => {
      const handle = sandboxOf(call, services);
      const winner = runtime.get(call.params.winner ?? "", call.context.orgId);
      await runtime.merge(handle, winner, call.context);
    },
  };
}
