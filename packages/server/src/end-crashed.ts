import { type Emit, newSpanId } from "@sandglass/protocol";
import type { KeptExit, RuntimeApi } from "@sandglass/runtime";
import type { Recovery } from "@sandglass/telemetry";

/** 128 + SIGKILL: nothing of a sandbox outlives its daemon. */
const KILLED = 137;

/** Sandboxes that are ended at the same time: what takes long is to wait for their files. */
const AT_ONCE = 16;

/**
 * Gives everything that the last daemon left open its ending. The record itself says what is open, so that a crash in here is
 * made up for at the next start, and nothing ends twice.
 *
 * When it really ended is known to nobody. Durations are up to the last sign of life of the daemon that had it, both of that daemon's clock:
 * how long nothing ran, and what was done to the clock meanwhile, is in none of them.
 */
export async function endCrashed(
  openSandboxes: Recovery["openSandboxes"],
  runtime: Pick<RuntimeApi, "sealOutput">,
  emit: Emit,
): Promise<void> {
  const waiting = openSandboxes.values();
  const endWaiting = async (): Promise<void> => {
    for (const sandbox of waiting) await endSandbox(sandbox, runtime, emit);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, endWaiting));
}

/** Its execs, then itself. */
async function endSandbox(
  sandbox: Recovery["openSandboxes"][number],
  runtime: Pick<RuntimeApi, "sealOutput">,
  emit: Emit,
): Promise<void> {
  const { sandboxId, orgId, runId, traceId } = sandbox;
  const since = (start: string): number => Math.max(0, Date.parse(sandbox.lastSeenAt) - Date.parse(start));
  for (const exec of sandbox.execs) {
    const durationMs = since(exec.startedAt);
    const ending = { code: KILLED, cause: "host_crash", durationMs } as const;
    const { exit, ...bytes } = await runtime.sealOutput(sandboxId, exec.subject.execId, ending);
    // It had ended already, and only the record did not say so yet.
    const known = exit === undefined ? undefined : knownEnding(exit);
    await emit({
      type: "exec.completed",
      level: known === undefined ? "error" : known.cause === "exited" ? "info" : "warn",
      orgId,
      sandboxId,
      runId,
      traceId: exec.traceId,
      spanId: exec.spanId,
      parentSpanId: exec.parentSpanId,
      data: {
        ...exec.subject,
        cpuMs: 0,
        maxRssBytes: 0,
        ...bytes,
        ...(known ?? { exitCode: KILLED, signal: "SIGKILL", cause: "host_crash", durationMs }),
      },
    });
  }
  await emit({
    type: "sandbox.terminated",
    level: "error",
    orgId,
    sandboxId,
    runId,
    traceId,
    spanId: newSpanId(),
    parentSpanId: sandbox.spanId,
    data: {
      cause: "host_crash",
      reason: "the daemon ended without stopping its sandboxes",
      lifetimeMs: since(sandbox.createdAt),
      durationMs: 0,
      execs: sandbox.execs.length,
      cpuMs: 0,
    },
  });
}

/** As the stream's last line says it. What it used is lost. */
function knownEnding({ code, cause, signal, reason, durationMs }: KeptExit) {
  const optional = { ...(signal !== undefined && { signal }), ...(reason !== undefined && { reason }) };
  return { exitCode: code, cause, durationMs, ...optional };
}
