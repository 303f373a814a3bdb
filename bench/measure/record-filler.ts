import { type EventInput, newExecId, newSandboxId, newSpanId, newTraceId } from "@sandglass/protocol";
import { Recorder } from "@sandglass/telemetry";

const EXECS_PER_SANDBOX = 20;
const SANDBOXES_AT_ONCE = 50;

/** Fills a record with sandboxes that lived, worked and ended, until its log has about `bytes`. */
export async function fillRecord(dataDir: string, bytes: number): Promise<void> {
  const recorder = await Recorder.open({ dataDir });
  try {
    while (recorder.stats().bytes < bytes) {
      const emitted: Promise<void>[] = [];
      for (let count = 0; count < SANDBOXES_AT_ONCE; count++)
        for (const event of oneLife()) emitted.push(recorder.emit(event));
      await Promise.all(emitted);
    }
  } finally {
    await recorder.close();
  }
}

function* oneLife(): Generator<EventInput> {
  const traceId = newTraceId();
  const place = { level: "info", orgId: "default", sandboxId: newSandboxId(), runId: "" } as const;
  const span = () => ({ traceId, spanId: newSpanId(), parentSpanId: "" });
  yield {
    ...place,
    ...span(),
    type: "sandbox.created",
    data: {
      template: "python",
      source: "pool",
      vcpu: 1,
      memoryMb: 256,
      diskMb: 1024,
      isolation: "bubblewrap",
      durationMs: 1.5,
    },
  };
  for (let count = 0; count < EXECS_PER_SANDBOX; count++) {
    const of = span();
    const subject = { execId: newExecId(), kind: "command", command: `python3 step-${count}.py` } as const;
    yield { ...place, ...of, type: "exec.started", data: subject };
    yield {
      ...place,
      ...of,
      type: "exec.completed",
      data: {
        ...subject,
        exitCode: 0,
        cause: "exited",
        durationMs: 12.3,
        cpuMs: 8,
        maxRssBytes: 9_000_000,
        stdoutBytes: 400,
        stderrBytes: 0,
        stdoutTail: "a line of output\n".repeat(24),
      },
    };
  }
  yield {
    ...place,
    ...span(),
    type: "sandbox.terminated",
    data: { cause: "user", lifetimeMs: 5000, durationMs: 4, execs: EXECS_PER_SANDBOX, cpuMs: 160 },
  };
}
