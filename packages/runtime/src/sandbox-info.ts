import type { SandboxInfo } from "@sandglass/protocol";
import { microTimestamp } from "@sandglass/protocol";
import type { SandboxParts } from "./sandbox-parts.ts";

/** A sandbox's description at its beginning. */
export function describeSandbox(parts: SandboxParts): SandboxInfo {
  const { machine, request, context } = parts;
  const parentId = parts.lineage[0]?.id;
  const { template } = machine;
  return {
    id: machine.id,
    ...(parentId !== undefined && { parentId }),
    state: "running",
    template: template.name,
    source: parts.source,
    isolation: machine.isolation,
    limits: parts.limits,
    unenforced: [...machine.unenforced],
    onIdle: request.onIdle ?? "pause",
    record: request.record ?? "full",
    otelExport: parts.owner.destination !== undefined,
    instrument: request.instrument ?? template.instrument ?? false,
    logs: parts.takeLines !== undefined,
    network: parts.network === undefined ? {} : { egress: parts.network.options },
    metadata: request.metadata ?? {},
    runId: context.runId,
    traceId: context.traceId,
    createdAt: microTimestamp(),
    createMs: parts.createMs,
  };
}
