/**
 * Records events while its exporters' destinations are dead, says how much memory that holds, and delivers everything when it is
 * told to by a line on stdin. `argv[2]` is a `LaggingOptions` in JSON; each line of stdout is a `LaggingReport`. Needs --expose-gc.
 */
import { once } from "node:events";
import {
  type EventInput,
  type ExporterCounts,
  type ExporterSpec,
  newSpanId,
  newTraceId,
} from "@sandglass/protocol";
import { Delivery, ExporterRegistry, Recorder } from "@sandglass/telemetry";

export interface LaggingOptions {
  dataDir: string;
  exporters: ExporterSpec[];
  events: number;
  /** `maxQueueSize` of all. */
  mostHeld: number;
}

export interface LaggingReport {
  /** Held after a collection, in the heap and outside. */
  heldBytes: number;
  counts: Record<string, ExporterCounts>;
}

const WARM_UP = 2_000;
const AT_ONCE = 500;
/** Longer than a read chunk of the log has events, so that one in so many is about one in each chunk. */
const RARE = 600;

const { dataDir, exporters, events, mostHeld }: LaggingOptions = JSON.parse(process.argv[2] ?? "");
const recorder = await Recorder.open({ dataDir });
const delivery = await Delivery.open({
  recorder,
  dataDir,
  registry: ExporterRegistry.builtIn(),
  // Here, where its memory can be measured.
  usesThread: false,
  retry: { initialMs: 20, maxMs: 100, stallAfterMs: 100 },
});
await delivery.configure(exporters);

await record(WARM_UP);
await stalled();
say();
await record(events - WARM_UP);
// Now each holds what it will: all that it wants, or as much as it may.
while (!delivery.list().every(({ counts }) => counts.queued === 0 || counts.inFlight >= mostHeld))
  await pause();
say();
await once(process.stdin, "data");
await delivery.flush({ timeoutMs: 60_000 });
say();
process.stdin.destroy();
await delivery.shutdown(10_000);
await recorder.close();

async function record(count: number): Promise<void> {
  const place = { orgId: "default", sandboxId: "", runId: "run_memory", traceId: newTraceId() };
  for (let at = 0; at < count; at += AT_ONCE) {
    const chunk = Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, index) => {
      const toolName = (at + index) % RARE === 0 ? "rare" : "usual";
      const data = { toolName, toolCallId: `call_${at + index}`, arguments: '{"code":"print(1)"}'.repeat(4) };
      const span = { spanId: newSpanId(), parentSpanId: "", level: "info" } as const;
      return { ...place, ...span, type: "agent.tool_call", data } satisfies EventInput;
    });
    await Promise.all(chunk.map((event) => recorder.emit(event)));
  }
}

async function stalled(): Promise<void> {
  while (!delivery.list().every(({ state }) => state === "stalled")) await pause();
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 10);
  });
}

function say(): void {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const counts = Object.fromEntries(delivery.list().map((info) => [info.id, info.counts]));
  process.stdout.write(
    `${JSON.stringify({ heldBytes: heapUsed + external, counts } satisfies LaggingReport)}\n`,
  );
}
