import { type ExecInfo, SandglassError } from "@sandglass/protocol";
import type { Call, Handlers, LineAnswer } from "../call.ts";
import { pageOf } from "../page.ts";
import type { RequestRecord } from "../request-record.ts";
import { describeSandbox, liveSandbox, sandboxOf } from "./find-sandbox.ts";
import type { HandlerServices } from "./handler-services.ts";

type ExecHandlers = Pick<Handlers, "exec" | "listExecs" | "getExec" | "killExec" | "streamExec">;

export function execHandlers(services: HandlerServices): ExecHandlers {
  return {
    exec: async (call: Call<"exec">) => {
      const handle = sandboxOf(call, services);
      const exec = await handle.exec(call.body, call.context);
      // The caller's own stream holds the process back while it is read slowly; one that broke off does no longer.
      return lineAnswer(exec.id, (signal) => exec.lines({ signal, isOwner: true }));
    },

    listExecs: async (call) => {
      const live = liveSandbox(call, services);
      const { id } = live?.info() ?? (await describeSandbox(call, services));
      const recorded = await services.recorder.listExecs(id, call.context.orgId);
      // What runs is told best by the runtime, what has ended long ago by the record alone.
      const byId = new Map(recorded.map((exec) => [exec.id, exec]));
      for (const exec of live?.execs() ?? []) byId.set(exec.id, exec);
      return pageOf([...byId.values()], call.query, (exec) => exec.startedAt);
    },

    getExec: (call) => describeExec(call, services),

    killExec: async (call) => {
      const exec = sandboxOf(call, services).getExec(call.params.execId ?? "");
      await exec.kill(call.body.signal, call.context);
      return exec.info();
    },

    streamExec: (call) => streamExec(call, call.params.execId ?? "", call.query.after, services),
  };
}

interface ExecCall {
  params: Readonly<Record<string, string>>;
  record: RequestRecord;
}

/**
 * An exec's lines from the one behind `after`, whether it runs, has ended, or its sandbox has.
 *
 * @throws SandglassError SANDBOX_NOT_FOUND, EXEC_NOT_FOUND (also where its output is no longer kept)
 */
export async function streamExec(
  call: ExecCall,
  execId: string,
  after: number | undefined,
  services: HandlerServices,
): Promise<LineAnswer> {
  const { id } = await describeExecOf(call, execId, services);
  const behind = after === undefined ? {} : { after };
  const exec = findLiveExec(call, execId, services);
  if (exec !== undefined) return lineAnswer(id, (signal) => exec.lines({ ...behind, signal }));
  const sandboxId = call.params.id ?? "";
  // Asked once before the head goes out: afterwards there is no way to say that nothing is kept.
  if (services.runtime.readOutput(sandboxId, execId, after) === undefined) {
    throw new SandglassError("EXEC_NOT_FOUND", `the output of exec ${execId} is no longer kept`, {
      hint: "its ending is: GET …/execs/{execId}",
    });
  }
  return lineAnswer(
    id,
    (signal) => services.runtime.readOutput(sandboxId, execId, after, signal) ?? nothing(),
  );
}

function describeExec(call: ExecCall, services: HandlerServices): Promise<ExecInfo> {
  return describeExecOf(call, call.params.execId ?? "", services);
}

async function describeExecOf(call: ExecCall, execId: string, services: HandlerServices): Promise<ExecInfo> {
  const live = findLiveExec(call, execId, services);
  if (live !== undefined) return live.info();
  const { id } = await describeSandbox(call, services);
  const info = await services.recorder.getExec(id, execId, call.record.orgId);
  if (info === undefined) throw execNotFound(execId);
  return info;
}

function findLiveExec(call: ExecCall, execId: string, services: HandlerServices) {
  try {
    return liveSandbox(call, services)?.getExec(execId);
  } catch (error) {
    if (error instanceof SandglassError && error.code === "EXEC_NOT_FOUND") return undefined;
    throw error;
  }
}

function lineAnswer(execId: string, lines: LineAnswer["lines"]): LineAnswer {
  return { headers: { "x-exec-id": execId }, lines };
}

function execNotFound(execId: string): SandglassError {
  return new SandglassError("EXEC_NOT_FOUND", `no exec ${execId.slice(0, 64)} in this sandbox`, {
    hint: "list them with GET /v1/sandboxes/{id}/execs",
  });
}

async function* nothing(): AsyncGenerator<string> {}
