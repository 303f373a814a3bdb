/**
 * What it takes to sample 500 sandboxes: reading their counters, and recording an event for each. Real sandboxes, as many as fit,
 * each of them sampled as if it were several; the record is real too. And for how long the event loop is held at most.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type EventInput, newSandboxId, newSpanId, newTraceId } from "@sandglass/protocol";
import { DEFAULT_LIMITS } from "@sandglass/runtime";
import { AgentConnection, type DriverSandbox, startDriver } from "@sandglass/runtime/drivers";
import { Recorder } from "@sandglass/telemetry";
import { Sampler } from "../packages/runtime/src/samples/sampler.ts";
import type { SaySample } from "../packages/runtime/src/samples/sandbox-samples.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { type Row, row } from "./measure/row.ts";
import { median } from "./measure/statistics.ts";

const SANDBOXES = 500;
const OPTIONS = { intervalMs: 0, costRates: { cpuHourUsd: 0.05, memoryGbHourUsd: 0.01 } };

export const samples: Part = {
  name: "samples",
  title: "Sampling 500 sandboxes once",
  measure: measureSamples,
};

async function measureSamples(plan: Plan): Promise<Row[]> {
  await using acquired = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), "sandglass-bench-"));
  acquired.defer(() => rm(dataDir, { recursive: true, force: true }));
  const recorder = await Recorder.open({ dataDir });
  acquired.defer(() => recorder.close());
  const driver = await startDriver("bubblewrap", { dataDir, mountPoints: [] });
  acquired.defer(() => driver.close());
  const booted: DriverSandbox[] = [];
  const count = plan.times(50, 5);
  for (let index = 0; index < count; index++) {
    const sandbox = await driver.create({ id: newSandboxId(), limits: DEFAULT_LIMITS, mounts: [] });
    const agent = new AgentConnection(sandbox.socket);
    acquired.defer(() => agent.close());
    await agent.ready();
    booted.push(sandbox);
  }
  const sampler = new Sampler(OPTIONS, driver.capabilities.hasDiskLimit);
  const ends = Array.from({ length: SANDBOXES }, (_, index) => {
    const id = newSandboxId();
    return sampler.begin(
      { id, limits: DEFAULT_LIMITS, driver: booted[index % count]! },
      saying(recorder, id),
    );
  });
  const rounds: Round[] = [];
  for (let round = plan.times(50, 5); round >= 0; round--) rounds.push(await measureRound(sampler));
  rounds.shift(); // it opens the counters
  await Promise.all(ends.map((end) => end()));
  const note = `${count} sandboxes, each ${SANDBOXES / count} times; recorded`;
  return [
    row("processor time", median(rounds.map(({ cpuMs }) => cpuMs)), "ms", { target: { atMost: 100 }, note }),
    row("time until all are recorded", median(rounds.map(({ totalMs }) => totalMs)), "ms"),
    row("event loop held at most", median(rounds.map(({ heldMs }) => heldMs)), "ms", {
      note: "median of the rounds' longest",
    }),
  ];
}

interface Round {
  /** Of the whole process, the log's writing with it. */
  cpuMs: number;
  totalMs: number;
  heldMs: number;
}

async function measureRound(sampler: Sampler): Promise<Round> {
  const before = process.cpuUsage();
  const startedMs = performance.now();
  let isDone = false;
  const round = sampler.run().then(() => {
    isDone = true;
  });
  let heldMs = performance.now() - startedMs;
  while (!isDone) {
    const turnMs = performance.now();
    await nextTurn();
    heldMs = Math.max(heldMs, performance.now() - turnMs);
  }
  await round;
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000, totalMs: performance.now() - startedMs, heldMs };
}

function saying(recorder: Recorder, sandboxId: string): SaySample {
  const place = { traceId: newTraceId(), spanId: newSpanId(), parentSpanId: "" };
  const shared = { ...place, level: "debug", orgId: "default", sandboxId, runId: "" } as const;
  return (type, data) => recorder.emit({ ...shared, type, data } as EventInput);
}
