import type { CallContext, Emit } from "@sandglass/protocol";
import { newSpanId, SandglassError } from "@sandglass/protocol";

/** Records that a sandbox did not come up. Returns the error for whoever asked for it. */
export async function recordBootFailure(
  emit: Emit,
  sandboxId: string,
  { orgId, runId, traceId, parentSpanId }: CallContext,
  error: unknown,
): Promise<SandglassError> {
  const known =
    error instanceof SandglassError
      ? error
      : new SandglassError("DRIVER_ERROR", (error as Error).message, {
          hint: "run `sandglass doctor`",
          cause: error,
        });
  const shared = { orgId, runId, traceId, parentSpanId, spanId: newSpanId(), sandboxId };
  const { code, message } = known;
  await emit({ ...shared, type: "sandbox.error", level: "error", data: { code, message } });
  await emit({
    ...shared,
    type: "sandbox.terminated",
    level: "error",
    data: { cause: "driver_error", reason: message, lifetimeMs: 0, durationMs: 0, execs: 0, cpuMs: 0 },
  });
  return known;
}
