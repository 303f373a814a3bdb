import type { Isolation, RuntimeEvent, RuntimeEventOf, SandboxInfo } from "@sandglass/protocol";

/**
 * A sandbox as the record tells, from its events in order: what is known of it once the runtime has forgotten it.
 *
 * The record holds less than the runtime did. Limits that `sandbox.created` does not carry read 0, `unenforced` is empty and
 * `onIdle` reads "terminate", what is said of telemetry false; `record` reads "full" only where content of it is in the record.
 */
export class SandboxProjection {
  #info: SandboxInfo | undefined;

  apply(event: RuntimeEvent): void {
    if (event.type === "sandbox.created") this.#info = created(event);
    const info = this.#info;
    if (!info) return;
    if (event.type === "sandbox.paused") info.state = "paused";
    else if (event.type === "sandbox.resumed") info.state = "running";
    else if (event.type === "sandbox.terminated") terminate(info, event);
    else if (hasContent(event)) info.record = "full";
  }

  /** Undefined where its creation is not (or no longer) in the record. */
  get info(): SandboxInfo | undefined {
    return this.#info;
  }
}

function created(event: RuntimeEventOf<"sandbox.created">): SandboxInfo {
  const { template, source, isolation, vcpu, memoryMb, diskMb, metadata, network, parentId, durationMs } =
    event.data;
  return {
    id: event.sandboxId,
    ...(parentId !== undefined && { parentId }),
    state: "running",
    template,
    source,
    // Written by a runtime that knows no other isolation.
    isolation: isolation as Isolation,
    limits: {
      vcpu,
      memoryMb,
      diskMb,
      maxPids: 0,
      maxOpenFiles: 0,
      maxOutputBytes: 0,
      maxConcurrentExecs: 0,
      timeoutMs: 0,
      idleTimeoutMs: 0,
    },
    unenforced: [],
    onIdle: "terminate",
    record: "metadata",
    otelExport: false,
    instrument: false,
    logs: false,
    network: network ?? {},
    metadata: metadata ?? {},
    runId: event.runId,
    traceId: event.traceId,
    createdAt: event.timestamp,
    createMs: durationMs,
  };
}

function terminate(info: SandboxInfo, event: RuntimeEventOf<"sandbox.terminated">): void {
  info.state = "terminated";
  info.endedAt = event.timestamp;
  info.cause = event.data.cause;
  if (event.data.reason !== undefined) info.reason = event.data.reason;
  if (event.data.telemetry !== undefined) info.telemetry = event.data.telemetry;
}

function hasContent({ type, data }: RuntimeEvent): boolean {
  if (type === "exec.started" || type === "exec.completed")
    return data.code !== undefined || data.command !== undefined;
  return type.startsWith("file.") && "path" in data;
}
