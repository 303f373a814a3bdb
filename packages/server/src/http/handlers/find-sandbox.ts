import { type SandboxInfo, SandglassError } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import type { RequestRecord } from "../request-record.ts";
import type { HandlerServices } from "./handler-services.ts";

interface SandboxCall {
  params: Readonly<Record<string, string>>;
  record: RequestRecord;
}

/**
 * The sandbox that the call's path names, and the request's place in its run.
 *
 * @throws SandglassError SANDBOX_NOT_FOUND
 */
export function sandboxOf({ params, record }: SandboxCall, { runtime }: HandlerServices): SandboxHandle {
  const handle = runtime.get(params.id ?? "", record.orgId);
  noteSandbox(record, handle.info(), params["*"]);
  return handle;
}

/** As {@link sandboxOf}; undefined for a sandbox that only the record knows (or nobody). */
export function liveSandbox(call: SandboxCall, services: HandlerServices): SandboxHandle | undefined {
  try {
    return sandboxOf(call, services);
  } catch (error) {
    if (error instanceof SandglassError && error.code === "SANDBOX_NOT_FOUND") return undefined;
    throw error;
  }
}

/**
 * The sandbox as the runtime knows it, else, long ended or from before a restart, as the record does.
 *
 * @throws SandglassError SANDBOX_NOT_FOUND
 */
export async function describeSandbox(call: SandboxCall, services: HandlerServices): Promise<SandboxInfo> {
  const live = liveSandbox(call, services);
  if (live !== undefined) return live.info();
  const id = call.params.id ?? "";
  const info = await services.recorder.getSandbox(id, call.record.orgId);
  if (info === undefined) throw sandboxNotFound(id);
  noteSandbox(call.record, info, undefined);
  return info;
}

function noteSandbox(record: RequestRecord, info: SandboxInfo, file: string | undefined): void {
  record.runId = info.runId;
  if (file !== undefined && info.record === "full") record.path = record.path.replace("{path+}", file);
}

function sandboxNotFound(id: string): SandglassError {
  return new SandglassError("SANDBOX_NOT_FOUND", `no sandbox ${id.slice(0, 64)}`, {
    hint: "list them with: sandglass ps",
  });
}
