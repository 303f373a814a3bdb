/**
 * A destination that is down for a million events: what memory it costs meanwhile, and whether all of them arrive after. Beside it
 * the same events with no exporter at all: what emitting takes by itself.
 */
import type { ExporterOptions } from "@sandglass/telemetry";
import type { Part, Plan } from "../measure/plan.ts";
import { ProcessUsage } from "../measure/process-usage.ts";
import { type Row, row } from "../measure/row.ts";
import { Ours } from "./ours.ts";
import { Sink } from "./sink.ts";

const WARM_UP = 20_000;

export const backlog: Part = {
  name: "backlog",
  title: "A destination that is dead for a million events",
  measure: measureBacklog,
};

async function measureBacklog(plan: Plan): Promise<Row[]> {
  const count = plan.times(1_000_000, 50_000);
  const name = `${count.toLocaleString("en")} events to a dead destination`;
  await using sink = await Sink.start();
  const config = { endpoint: sink.url, signals: ["traces"], compression: "none" };
  await using ours = await warm([{ provider: "otel", config }]);
  await sink.count();
  await sink.die();

  using usage = new ProcessUsage(ours.pid);
  await ours.trickle(count);
  const { growthMb } = usage;
  const [dead] = await ours.list();
  if (dead?.counts.delivered !== WARM_UP) throw new Error("the dead destination took events");

  await sink.recover();
  const { ms } = await ours.flush();
  const caughtUpMb = usage.growthMb;
  const { uniqueSpans } = await sink.count();
  return [
    row(`${name}, memory above idle`, growthMb, "MB", {
      target: { atMost: 50 },
      note: `highest resident; idle ${usage.startMb.toFixed(0)} MB`,
    }),
    row("the same with no exporter", await growthWithout(count), "MB", { note: "what emitting takes" }),
    row("delivered when it was back", uniqueSpans, "events", { target: { atLeast: count } }),
    row("catching up", count / (ms / 1000), "/s"),
    row("memory above idle, catching up included", caughtUpMb, "MB"),
  ];
}

async function growthWithout(count: number): Promise<number> {
  await using ours = await warm([]);
  using usage = new ProcessUsage(ours.pid);
  await ours.trickle(count);
  return usage.growthMb;
}

/** One that has delivered something, so that its code and its buffers are there. */
async function warm(exporters: readonly ExporterOptions[]): Promise<Ours> {
  const ours = await Ours.start(exporters);
  await ours.attach();
  await ours.trickle(WARM_UP);
  await ours.flush();
  return ours;
}
