import { join } from "node:path";
import { type EventInput, newSandboxId, newSpanId, newTraceId } from "@sandglass/protocol";
import { DurableLog, Recorder } from "@sandglass/telemetry";
import { encodeTelemetryHead } from "../../packages/telemetry/src/collector/telemetry-record.ts";
import { encodeTraces } from "../../packages/telemetry/src/otlp/encode-traces.ts";
import { SANDBOXES, type SentTrace, TEMPLATES } from "./day-of-spans.ts";

const RUNS = 20;
/** Requests that are on their way to the log's file at once. */
const AT_ONCE = 500;

export interface BenchSandbox {
  id: string;
  runId: string;
  template: string;
}

/** Sandboxes that were there all day, in the record of a daemon that does not run. */
export async function recordSandboxes(dataDir: string, dayEndsAt: number): Promise<BenchSandbox[]> {
  const recorder = await Recorder.open({ dataDir });
  const timestamp = new Date(dayEndsAt - 86_400_000).toISOString();
  const sandboxes = Array.from({ length: SANDBOXES }, (_, index) => ({
    id: newSandboxId(),
    runId: `run_bench${String(index % RUNS).padStart(4, "0")}`,
    template: TEMPLATES[index % TEMPLATES.length]!,
  }));
  await Promise.all(
    sandboxes.flatMap(({ id: sandboxId, runId, template }) => {
      const place = {
        timestamp,
        level: "info",
        orgId: "default",
        sandboxId,
        runId,
        traceId: newTraceId(),
      } as const;
      const span = (): object => ({ spanId: newSpanId(), parentSpanId: "" });
      const limits = { vcpu: 1, memoryMb: 256, diskMb: 1024, isolation: "bubblewrap" };
      const created = { template, source: "pool", ...limits, durationMs: 1.5 };
      const ended = { cause: "user", lifetimeMs: 86_400_000, durationMs: 4, execs: 0, cpuMs: 160 };
      return [
        recorder.emit({ ...place, ...span(), type: "sandbox.created", data: created } as EventInput),
        recorder.emit({ ...place, ...span(), type: "sandbox.terminated", data: ended } as EventInput),
      ];
    }),
  );
  await recorder.close();
  return sandboxes;
}

/** Puts traces into the log of telemetry as the collector does, a request each. Returns how many spans there were. */
export async function logTraces(
  dataDir: string,
  sandboxes: readonly BenchSandbox[],
  traces: Iterable<SentTrace>,
): Promise<number> {
  const log = await DurableLog.open({ dir: join(dataDir, "telemetry"), holdsForeignBytes: true });
  let spans = 0;
  let pending: Promise<number>[] = [];
  for (const trace of traces) {
    const { id: sandboxId, runId } = sandboxes[trace.sandbox]!;
    const head = encodeTelemetryHead({
      signal: "traces",
      origin: "sandbox",
      receivedAt: trace.endedAt,
      items: trace.spans,
      orgId: "default",
      sandboxId,
      runId,
      destinationId: "",
      isForwardOnly: false,
    });
    pending.push(log.append(Buffer.concat([head, encodeTraces(trace.data)])));
    spans += trace.spans;
    if (pending.length === AT_ONCE) {
      await Promise.all(pending);
      pending = [];
    }
  }
  await Promise.all(pending);
  await log.close();
  return spans;
}
