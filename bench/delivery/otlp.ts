/**
 * Spans to a collector by OTLP, http/protobuf: ours and OpenTelemetry's SDK send the same spans to the same sink, each in a process
 * that has one core, in turns. And what becomes of a burst.
 */
import type { ExporterOptions } from "@sandglass/telemetry";
import { twoCores } from "../measure/cores.ts";
import type { Effort } from "../measure/effort.ts";
import { interleave } from "../measure/interleave.ts";
import type { Part, Plan } from "../measure/plan.ts";
import { type Row, row } from "../measure/row.ts";
import { median } from "../measure/statistics.ts";
import { OtelSdk } from "./otel-sdk.ts";
import { Ours } from "./ours.ts";
import { Sink, type SinkCount } from "./sink.ts";

const DRAIN = "log to collector";
const DRAIN_LARGE = "log to collector, 2048 a batch";
const THROUGH = "emit to collector";
const SDK = "OpenTelemetry SDK, span to collector";
const SDK_LARGE = "OpenTelemetry SDK, span to collector, 2048 a batch";
const SDK_DRAIN = "OpenTelemetry SDK, ended span to collector";
/** As the exporter's options name it. */
const LARGE = { maxExportBatchSize: 2048, maxQueueSize: 4 * 2048 };
const BURST = 10_000;
/** So many rounds until the engine has compiled either as well as it will: a daemon, and a service, run for days. */
const WARM_UP = 3;
/** Room for everything, so that the peer's speed can be measured without its losses. */
const ROOMY = { maxQueueSize: 1_000_000, concurrencyLimit: 1_000_000 };

export const otlp: Part = {
  name: "otlp",
  title: "Spans to OTLP http/protobuf, one core",
  measure: async (plan) => [...(await measureRates(plan)), ...(await measureBursts())],
};

async function measureRates(plan: Plan): Promise<Row[]> {
  const { subject, other } = twoCores();
  const count = plan.times(100_000, 10_000);
  await using running = new AsyncDisposableStack();
  const sink = running.use(await Sink.start(other));
  const url = `${sink.url}/v1/traces`;
  const ours = running.use(await Ours.start([exporterTo(sink)], subject));
  const oursLarge = running.use(await Ours.start([exporterTo(sink, LARGE)], subject));
  const sdk = running.use(await OtelSdk.start({ url, ...ROOMY }, subject));
  const sdkLarge = running.use(
    await OtelSdk.start({ url, ...ROOMY, maxExportBatchSize: LARGE.maxExportBatchSize }, subject),
  );
  const cpu = new Map<string, number[]>();
  const seen = new Map<string, SinkCount>();
  const candidate = (name: string, run: () => Promise<Effort>, prepare?: () => Promise<void>) => ({
    name,
    run: async () => {
      await prepare?.();
      const { ms, cpuMs } = await run();
      const received = await sink.count();
      if (received.uniqueSpans !== count)
        throw new Error(`${name}: ${received.uniqueSpans} of ${count} spans arrived`);
      cpu.set(name, [...(cpu.get(name) ?? []), cpuMs]);
      seen.set(name, received);
      return ms;
    },
  });
  const candidates = [
    candidate(
      DRAIN,
      () => ours.drain(),
      () => ours.fill(count),
    ),
    candidate(SDK, () => sdk.through(count)),
    candidate(
      DRAIN_LARGE,
      () => oursLarge.drain(),
      () => oursLarge.fill(count),
    ),
    candidate(SDK_LARGE, () => sdkLarge.through(count)),
    candidate(THROUGH, async () => {
      await ours.attach();
      const effort = await ours.through(count);
      await ours.detach();
      return effort;
    }),
    candidate(SDK_DRAIN, () => sdk.drain(count)),
  ];
  await interleave(plan.times(WARM_UP, 1), candidates);
  assertSame(seen.get(DRAIN)!, seen.get(SDK)!);
  cpu.clear();
  const samples = await interleave(plan.times(7, 1), candidates);
  const rate = (name: string) => count / (median(samples.get(name)!) / 1000);
  const cpuMs = (name: string) => (median(cpu.get(name)!) * 100_000) / count;
  const better = (a: string, b: string) => (rate(a) >= rate(b) ? a : b);
  const best = better(DRAIN, DRAIN_LARGE);
  const peer = better(SDK, SDK_LARGE);
  return [
    ...candidates.flatMap(({ name }) => [
      row(name, rate(name), "/s", { note: describe(seen.get(name)!, cpuMs(name)) }),
    ]),
    row(`${DRAIN} / ${SDK}`, rate(best) / rate(peer), "x", {
      target: { atLeast: 3 },
      note: "same spans, in turns, each with its better batch size",
    }),
    row("the same in processor time", cpuMs(peer) / cpuMs(best), "x", {
      note: "says more where other programs run too",
    }),
    row(`${THROUGH} / ${SDK}`, rate(THROUGH) / rate(peer), "x", { note: "ours with its log" }),
    row(`${DRAIN} / ${SDK_DRAIN}`, rate(best) / rate(SDK_DRAIN), "x", {
      note: "ours from JSON on disk, theirs from objects in memory",
    }),
  ];
}

/** 10,000 at once, as an agent's tool that reads many files makes them: everything at its defaults, nobody waits. */
async function measureBursts(): Promise<Row[]> {
  const { subject, other } = twoCores();
  await using running = new AsyncDisposableStack();
  const sink = running.use(await Sink.start(other));
  const ours = running.use(await Ours.start([exporterTo(sink)], subject));
  const sdk = running.use(await OtelSdk.start({ url: `${sink.url}/v1/traces` }, subject));
  await ours.attach();
  await ours.burst(BURST);
  const lost = async () => BURST - (await sink.count()).uniqueSpans;
  const oursLost = await lost();
  await sdk.burst(BURST);
  const sdkLost = await lost();
  return [
    row(`burst of ${BURST}, lost`, oursLost, "events", { target: { atMost: 0 } }),
    row(`OpenTelemetry SDK, burst of ${BURST}, lost`, sdkLost, "events", {
      note: "at its defaults, after forceFlush",
    }),
  ];
}

function exporterTo(sink: Sink, batchConfig: object = {}): ExporterOptions {
  const config = { endpoint: sink.url, signals: ["traces"], compression: "none", batchConfig };
  return { provider: "otel", config };
}

/** Nothing is measured of two that do not say the same. */
function assertSame(ours: SinkCount, theirs: SinkCount): void {
  const [a, b] = [ours.attributes.join(" "), theirs.attributes.join(" ")];
  if (a !== b) throw new Error(`the spans have not the same attributes: ${a} and ${b}`);
}

function describe({ bytes, uniqueSpans, requests }: SinkCount, cpuMs: number): string {
  const [each, batch] = [bytes / uniqueSpans, uniqueSpans / requests].map(Math.round);
  return `${cpuMs.toFixed(0)} ms of processor for 100,000; ${each} bytes each, ${batch} a request`;
}
