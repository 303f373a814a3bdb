import type { CallContext } from "@sandglass/protocol";
import { newSpanId } from "@sandglass/protocol";

/** The context of what the host does to a sandbox of this organisation, in the sandbox's own trace. */
export function hostContext(orgId: string, traceId: string): CallContext {
  return { orgId, runId: "", traceId, parentSpanId: newSpanId(), traceFlags: 0, tracestate: "", baggage: "" };
}
