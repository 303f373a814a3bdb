import { type EventInput, newExecId, newSandboxId, newSpanId, newTraceId } from "@sandglass/protocol";

/** As many sandboxes as a busy host has at work at a time. */
const SANDBOXES = 16;

const sandboxIds = Array.from({ length: SANDBOXES }, newSandboxId);

/** Endings of execs, each a trace of its own: what a host has most of. About 700 bytes of JSON when they are recorded. */
export function execEvents(count: number): EventInput[] {
  return Array.from({ length: count }, (_, index) => execEvent(index));
}

function execEvent(index: number): EventInput {
  return {
    type: "exec.completed",
    level: "info",
    orgId: "default",
    sandboxId: sandboxIds[index % SANDBOXES]!,
    runId: "",
    traceId: newTraceId(),
    spanId: newSpanId(),
    parentSpanId: newSpanId(),
    data: {
      execId: newExecId(),
      kind: "code",
      language: "python",
      contextId: "default",
      code: `print(${index})`,
      exitCode: 0,
      cause: "exited",
      durationMs: 1.234 + (index % 100),
      cpuMs: 0.5,
      maxRssBytes: 12_345_678,
      stdoutBytes: 2,
      stderrBytes: 0,
      stdoutTail: "1\n",
    },
  };
}
