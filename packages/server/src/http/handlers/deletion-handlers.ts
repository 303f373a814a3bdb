import { isRunId, isSandboxId, SandglassError } from "@sandglass/protocol";
import type { DeletionCaller } from "../../deletion/deletions.ts";
import type { Handlers } from "../call.ts";
import type { RequestRecord } from "../request-record.ts";
import type { HandlerServices } from "./handler-services.ts";

type DeletionHandlers = Pick<Handlers, "deleteSandboxRecord" | "deleteRun">;

export function deletionHandlers({ deletions }: HandlerServices): DeletionHandlers {
  return {
    deleteSandboxRecord: ({ params: { id = "" }, record }) => {
      if (!isSandboxId(id)) throw new SandglassError("SANDBOX_NOT_FOUND", `no sandbox ${id.slice(0, 64)}`);
      return deletions.sandbox(id, callerOf(record));
    },

    // The request's own event names the run by its path alone: as an event of the run it would be the beginning of another.
    deleteRun: ({ params: { runId = "" }, record }) => {
      if (!isRunId(runId)) throw new SandglassError("RUN_NOT_FOUND", `no run ${runId.slice(0, 64)}`);
      return deletions.run(runId, callerOf(record));
    },
  };
}

function callerOf({ orgId, keyId }: RequestRecord): DeletionCaller {
  return { orgId, keyId };
}
