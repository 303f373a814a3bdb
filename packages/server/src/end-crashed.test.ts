import assert from "node:assert/strict";
import { test } from "node:test";
import { type EventInput, newExecId, newSandboxId, newSpanId, newTraceId } from "@sandglass/protocol";
import { endCrashed } from "./end-crashed.ts";

const STARTED = "2026-04-18T14:00:00.000Z";
const LAST_SEEN = "2026-04-18T14:00:05.000Z";

test("an exec whose last line was kept ends as that says, and one without as taken by the crash", async () => {
  const [finished, running] = [newExecId(), newExecId()];
  const sandboxId = newSandboxId();
  const traceId = newTraceId();
  const open = (execId: string) => ({
    subject: { execId, kind: "command" as const, command: "true" },
    traceId,
    spanId: newSpanId(),
    parentSpanId: newSpanId(),
    startedAt: STARTED,
  });
  const sandbox = {
    sandboxId,
    orgId: "default",
    runId: "",
    traceId,
    spanId: newSpanId(),
    parentSpanId: "",
    createdAt: STARTED,
    lastSeenAt: LAST_SEEN,
    template: "bash",
    execs: [open(finished), open(running)],
  };
  const exit = {
    type: "exit",
    data: 143,
    code: 143,
    signal: "SIGTERM",
    cause: "killed",
    durationMs: 12,
    execId: finished,
  } as const;
  const events: EventInput[] = [];
  await endCrashed(
    [sandbox],
    {
      sealOutput: async (_sandbox, execId) => ({
        stdoutBytes: 4,
        stderrBytes: 0,
        ...(execId === finished && { exit }),
      }),
    },
    async (event) => void events.push(event),
  );
  assert.deepEqual(
    events.map(({ type, level, data }) => {
      const { execId, exitCode, signal, cause, durationMs, stdoutBytes } = data as Record<string, unknown>;
      return { type, level, execId, exitCode, signal, cause, durationMs, stdoutBytes };
    }),
    [
      {
        type: "exec.completed",
        level: "warn",
        execId: finished,
        exitCode: 143,
        signal: "SIGTERM",
        cause: "killed",
        durationMs: 12,
        stdoutBytes: 4,
      },
      {
        type: "exec.completed",
        level: "error",
        execId: running,
        exitCode: 137,
        signal: "SIGKILL",
        cause: "host_crash",
        durationMs: 5_000,
        stdoutBytes: 4,
      },
      {
        type: "sandbox.terminated",
        level: "error",
        execId: undefined,
        exitCode: undefined,
        signal: undefined,
        cause: "host_crash",
        durationMs: 0,
        stdoutBytes: undefined,
      },
    ],
  );
});
