import type {
  CallContext,
  CreateSandboxRequest,
  Emit,
  SandboxLimits,
  SandboxSource,
} from "@sandglass/protocol";
import type { TelemetryOwner } from "./collector.ts";
import type { EgressParts } from "./egress/open-egress.ts";
import type { EndedSandbox } from "./ended-sandbox.ts";
import type { Ancestor } from "./lineage.ts";
import type { Sampler } from "./samples/sampler.ts";
import type { SandboxExecsParts } from "./sandbox-execs.ts";

/** What a sandbox is made of. */
export interface SandboxParts extends EgressParts, Pick<SandboxExecsParts, "segment" | "takeLines"> {
  request: CreateSandboxRequest;
  /** Whose telemetry it sends, and where that goes. */
  owner: TelemetryOwner;
  limits: SandboxLimits;
  source: SandboxSource;
  /** What it was forked from, its parent first; empty where it was not. */
  lineage: readonly Ancestor[];
  context: CallContext;
  emit: Emit;
  sampler: Sampler | undefined;
  createMs: number;
  onEnded(sandbox: EndedSandbox): void;
}
