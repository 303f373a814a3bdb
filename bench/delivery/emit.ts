/**
 * What exporters cost those who emit: the time until an event is acknowledged, with none and with five, one of which gets no
 * connection. Two processes in turns; what the five have to do is done before it is the other's turn.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "@sandglass/testkit";
import type { Part, Plan } from "../measure/plan.ts";
import { type Row, row } from "../measure/row.ts";
import { percentile } from "../measure/statistics.ts";
import { Ours } from "./ours.ts";
import { Sink } from "./sink.ts";

const DEAD = "webhook";
const LIVING = ["otel", "axiom", "jsonl", "postgres"];
const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

export const emit: Part = {
  name: "emit",
  title: "Emit with five exporters, one of them dead",
  measure: measureEmit,
};

async function measureEmit(plan: Plan): Promise<Row[]> {
  await using running = new AsyncDisposableStack();
  const dir = mkdtempSync(join(tmpdir(), "sandglass-bench-"));
  running.defer(() => rmSync(dir, { recursive: true }));
  const database = running.use(await startPostgres());
  const sink = running.use(await Sink.start());
  const gone = running.use(await Sink.start());
  await gone.die();
  const none = running.use(await Ours.start([]));
  const five = running.use(
    await Ours.start([
      { provider: "otel", config: { endpoint: sink.url } },
      { provider: "axiom", config: { url: sink.url, token: "xaat-bench" } },
      { provider: "jsonl", config: { filePath: join(dir, "events.jsonl") } },
      { provider: "postgres", config: { connectionString: database.connectionString } },
      { provider: DEAD, config: { url: `${gone.url}/hook`, secret: SECRET } },
    ]),
  );
  await five.attach();
  const rows: Row[] = [];
  for (const { title, perSecond, events, rounds } of [
    { title: "1000 a second", perSecond: 1000, events: plan.times(2000, 500), rounds: plan.times(10, 2) },
    { title: "one behind the other", perSecond: 0, events: plan.times(5000, 500), rounds: plan.times(10, 2) },
  ]) {
    const samples: Record<"none" | "five", number[]> = { none: [], five: [] };
    for (let round = -1; round < rounds; round++) {
      for (const [name, subject] of [["none", none] as const, ["five", five] as const]) {
        const taken = await subject.emitAtPace(events, perSecond);
        // The first is for warming up.
        if (round >= 0) samples[name].push(...taken);
        await five.flush(LIVING);
      }
    }
    rows.push(...rowsOf(title, samples));
  }
  const exporters = await five.list();
  const behind = exporters.filter(({ id, counts }) => id !== DEAD && counts.queued + counts.inFlight > 0);
  const dead = exporters.find(({ id }) => id === DEAD);
  if (behind.length > 0) throw new Error(`${behind.map(({ id }) => id).join(", ")} did not deliver all`);
  if (dead?.counts.delivered !== 0) throw new Error("the dead destination took events");
  return rows;
}

function rowsOf(title: string, { none, five }: Record<"none" | "five", number[]>): Row[] {
  const added = (of: (samples: readonly number[]) => number) => (of(five) / of(none) - 1) * 100;
  const p50 = (samples: readonly number[]) => percentile(samples, 0.5);
  const p99 = (samples: readonly number[]) => percentile(samples, 0.99);
  const note = `of ${none.length} each`;
  return [
    row(`${title}, no exporter, p50`, p50(none), "ms", { note }),
    row(`${title}, no exporter, mean`, mean(none), "ms"),
    row(`${title}, no exporter, p99`, p99(none), "ms"),
    row(`${title}, five exporters, p50`, p50(five), "ms"),
    row(`${title}, five exporters, mean`, mean(five), "ms"),
    row(`${title}, five exporters, p99`, p99(five), "ms"),
    row(`${title}, added, p50`, added(p50), "%", { target: { atMost: 5 }, note: "in turns" }),
    row(`${title}, added, mean`, added(mean), "%"),
  ];
}

function mean(samples: readonly number[]): number {
  return samples.reduce((sum, ms) => sum + ms, 0) / samples.length;
}
