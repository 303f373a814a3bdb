import { type SandboxInfo, SandglassError } from "@sandglass/protocol";
import { isOperator } from "../../caller.ts";
import type { Handlers } from "../call.ts";
import { listPlaceOf, pageOf } from "../page.ts";
import { describeSandbox, liveSandbox, sandboxOf } from "./find-sandbox.ts";
import type { HandlerServices } from "./handler-services.ts";

type SandboxHandlers = Pick<
  Handlers,
  "createSandbox" | "listSandboxes" | "getSandbox" | "deleteSandbox" | "pauseSandbox" | "resumeSandbox"
>;

const createdAt = (info: SandboxInfo): string => info.createdAt;

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

    listSandboxes: async ({ query, context, signal }) => {
      const { state, runId } = query;
      const isWanted = (info: SandboxInfo) =>
        (state === undefined || info.state === state) && (runId === undefined || info.runId === runId);
      const ended = query.ended || state === "terminated";
      const isStored = ended && (state ?? "terminated") === "terminated";
      const stored = isStored ? await storedSandboxes(query, context.orgId, services, signal) : [];
      // Behind the wait for the store, and over what that says: the runtime knows how things are now.
      const all = [...stored, ...runtime.list(context.orgId, { ended })];
      const known = new Map(all.map((info) => [info.id, info]));
      return pageOf([...known.values()].filter(isWanted), query, createdAt);
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

/** Of those that ended, also under earlier daemons, as many as a page can want; none where the store cannot say. */
async function storedSandboxes(
  query: { limit: number; cursor?: string | undefined; runId?: string | undefined },
  orgId: string,
  { store }: HandlerServices,
  signal: AbortSignal,
): Promise<SandboxInfo[]> {
  if (store === undefined) return [];
  const { cursor, limit, runId } = query;
  const place = listPlaceOf(cursor);
  const after = place && { createdAt: place.time, id: place.id };
  try {
    return await store.ask("listEndedSandboxes", { orgId, limit: limit + 1, runId, after }, signal);
  } catch (error) {
    if (error instanceof SandglassError && error.code === "STORE_UNAVAILABLE") return [];
    throw error;
  }
}
