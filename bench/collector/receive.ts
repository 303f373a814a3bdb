/**
 * What comes from sandboxes, received, made durable, stamped and passed on to a sink: our collector's process beside a Node server that
 * does nothing but take, write and send, and beside the OpenTelemetry Collector, which stamps and keeps nothing. In turns; each has one
 * processor for all of its threads, senders and sink have the other. Rates are per second of processor time of the process.
 */

import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Sink } from "../delivery/sink.ts";
import { twoCores } from "../measure/cores.ts";
import { interleave } from "../measure/interleave.ts";
import type { Part, Plan } from "../measure/plan.ts";
import { cpuMs } from "../measure/process-usage.ts";
import { missingRow, type Row, row } from "../measure/row.ts";
import { median } from "../measure/statistics.ts";
import { NodePipe } from "./node-pipe.ts";
import { OtelCollector } from "./otel-collector.ts";
import { OurCollector } from "./our-collector.ts";

const SPANS = 512;
const CONNECTIONS = 4;
const WARM_UP = 2;
const ARRIVE_MS = 60_000;
const LOOK_EVERY_MS = 20;

const HTTP = "over HTTP";
const GRPC = "over gRPC";
const PIPE = "a Node server that only takes, writes and sends";
const OTELCOL = "OpenTelemetry Collector, in memory";

const ATTRIBUTES = {
  "sandglass.sandbox.id": "sbx_0199c1b2e4d87a6fb3c5d7e9f1a2b3c4",
  "sandglass.org.id": "default",
  "sandglass.template.id": "python",
  "sandglass.run.id": "run_0199c1b2e4d87a6fb3c5d7e9f1a2b3c5",
  "service.instance.id": "sbx_0199c1b2e4d87a6fb3c5d7e9f1a2b3c4",
  "container.id": "sbx_0199c1b2e4d87a6fb3c5d7e9f1a2b3c4",
};

export const collector: Part = {
  name: "collector",
  title: "Telemetry of sandboxes: received, kept, stamped, passed on",
  measure: measureCollector,
};

interface Rates {
  /** Per second of processor time. */
  cpu: number[];
  /** By the clock. */
  clock: number[];
}

async function measureCollector(plan: Plan): Promise<Row[]> {
  const { subject, other } = twoCores();
  const requests = plan.times(3000, 200);
  await using running = new AsyncDisposableStack();
  const sink = running.use(await Sink.start(other));
  const ours = running.use(await OurCollector.start(sink.url, subject));
  const pipe = running.use(await NodePipe.start(`${sink.url}/v1/traces`, subject));
  const otelcol = await OtelCollector.start(sink.url, ATTRIBUTES, subject).catch((error: Error) => error);
  if (!(otelcol instanceof Error)) running.use(otelcol);
  const rates = new Map<string, Rates>();
  const candidate = (name: string, pid: number, port: number, protocol: "http" | "grpc" = "http") => ({
    name,
    run: async () => {
      const cpuBefore = cpuMs(pid);
      const started = performance.now();
      await send(protocol, port, requests, other);
      await arrived(sink, requests * SPANS, name);
      const ms = performance.now() - started;
      const kept = rates.get(name) ?? { cpu: [], clock: [] };
      kept.cpu.push((requests * SPANS) / ((cpuMs(pid) - cpuBefore) / 1000));
      kept.clock.push((requests * SPANS) / (ms / 1000));
      rates.set(name, kept);
      return ms;
    },
  });
  const { pid, http, grpc } = ours.ports;
  const candidates = [
    candidate(HTTP, pid, http),
    candidate(PIPE, pipe.pid, pipe.port),
    ...(otelcol instanceof Error ? [] : [candidate(OTELCOL, otelcol.pid, otelcol.port)]),
    candidate(GRPC, pid, grpc, "grpc"),
  ];
  await interleave(plan.times(WARM_UP, 1), candidates);
  rates.clear();
  await interleave(plan.times(7, 1), candidates);
  const rate = (name: string) => median(rates.get(name)!.cpu);
  const note = (name: string) =>
    `${SPANS} spans a request; ${Math.round(median(rates.get(name)!.clock)).toLocaleString("en")} /s by the clock`;
  return [
    row(HTTP, rate(HTTP), "/s", { target: { atLeast: 400_000 }, note: note(HTTP) }),
    row(GRPC, rate(GRPC), "/s", { target: { atLeast: 150_000 }, note: note(GRPC) }),
    row(PIPE, rate(PIPE), "/s", { note: note(PIPE) }),
    row("ours over HTTP / such a server", rate(HTTP) / rate(PIPE), "x"),
    ...(otelcol instanceof Error
      ? [missingRow(OTELCOL, "/s", otelcol.message)]
      : [
          row(OTELCOL, rate(OTELCOL), "/s", { note: note(OTELCOL) }),
          row("ours over HTTP / OpenTelemetry Collector", rate(HTTP) / rate(OTELCOL), "x", {
            target: { atLeast: 3 },
            note: "ours with the durable log",
          }),
        ]),
  ];
}

/** Sends in a process of its own, as fast as it is answered. */
async function send(protocol: "http" | "grpc", port: number, requests: number, core?: number): Promise<void> {
  const load = `../../packages/telemetry/src/otlp/receiver/testing/${protocol}-load.ts`;
  const program = fileURLToPath(new URL(load, import.meta.url));
  const flags = { port, requests, connections: CONNECTIONS, spans: SPANS };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const pinned = core === undefined ? [] : ["taskset", "-c", String(core)];
  const [command, ...rest] = [...pinned, process.execPath, program, ...args];
  const { stdout } = await promisify(execFile)(command!, rest);
  const { failed } = JSON.parse(stdout) as { failed: number };
  if (failed > 0) throw new Error(`${failed} requests were refused`);
}

async function arrived(sink: Sink, wanted: number, name: string): Promise<void> {
  const deadline = performance.now() + ARRIVE_MS;
  let spans = 0;
  for (;;) {
    spans += (await sink.count()).spans;
    if (spans === wanted) return;
    if (spans > wanted || performance.now() > deadline) {
      throw new Error(`${name}: ${spans} of ${wanted} spans arrived`);
    }
    await delay(LOOK_EVERY_MS);
  }
}
