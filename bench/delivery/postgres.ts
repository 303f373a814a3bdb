/**
 * Events to PostgreSQL, beside the insert one would write by hand: the same rows, as many in a batch, over as many connections, into
 * a table of the same shape with the same indexes. In turns; each turn begins with an empty table.
 */
import { type PostgresServer, startPostgres } from "@sandglass/testkit";
import type { Effort } from "../measure/effort.ts";
import { interleave } from "../measure/interleave.ts";
import type { Part, Plan } from "../measure/plan.ts";
import { missingRow, type Row, row } from "../measure/row.ts";
import { median } from "../measure/statistics.ts";
import { HandInsert } from "./hand-insert.ts";
import { Ours } from "./ours.ts";

const TABLE = "sandglass_events";
/** Of the exporter. */
const CONCURRENCY = 2;
/** As it is installed, but for what only concerns a loss of power. */
const SETTINGS = { shared_buffers: "256MB", max_wal_size: "4GB", checkpoint_timeout: "30min" };

export const postgres: Part = {
  name: "postgres",
  title: "Events to PostgreSQL",
  measure: measurePostgres,
};

async function measurePostgres(plan: Plan): Promise<Row[]> {
  await using running = new AsyncDisposableStack();
  let server: PostgresServer;
  try {
    server = running.use(await startPostgres({ settings: SETTINGS }));
  } catch (error) {
    return [missingRow("events to PostgreSQL", "/s", `cannot run here: ${(error as Error).message}`)];
  }
  return [
    ...(await measureBatches(server, 50, plan.times(20_000, 2_000), plan)),
    ...(await measureBatches(server, 1000, plan.times(50_000, 5_000), plan)),
  ];
}

async function measureBatches(
  server: PostgresServer,
  batchSize: number,
  count: number,
  plan: Plan,
): Promise<Row[]> {
  const ourName = `log to table, ${batchSize} a batch`;
  const handName = `unnest by hand, ${batchSize} a batch`;
  const { connectionString } = server;
  await using running = new AsyncDisposableStack();
  const config = { connectionString, batchSize, maxQueueSize: 4 * batchSize };
  const ours = running.use(await Ours.start([{ provider: "postgres", config }]));
  // It makes the table that both write to.
  await ours.fill(1);
  await ours.drain();
  const peer = { connectionString, table: TABLE, batchSize, concurrency: CONCURRENCY };
  const hand = running.use(await HandInsert.start(peer));
  const cpu = new Map<string, number[]>();
  const candidate = (name: string, run: () => Promise<Effort>, prepare?: () => Promise<void>) => ({
    name,
    run: async () => {
      await prepare?.();
      await server.query(`TRUNCATE ${TABLE}`);
      await server.query("CHECKPOINT");
      const { ms, cpuMs } = await run();
      const [found] = await server.query<{ rows: string }>(`SELECT count(*) AS rows FROM ${TABLE}`);
      if (Number(found?.rows) !== count)
        throw new Error(`${name}: ${found?.rows} of ${count} rows are there`);
      cpu.set(name, [...(cpu.get(name) ?? []), cpuMs]);
      return ms;
    },
  });
  const candidates = [
    candidate(
      ourName,
      () => ours.drain(),
      () => ours.fill(count),
    ),
    candidate(handName, () => hand.insert(count)),
  ];
  await interleave(1, candidates);
  cpu.clear();
  const samples = await interleave(plan.times(5, 1), candidates);
  const rate = (name: string) => count / (median(samples.get(name)!) / 1000);
  const cpuMs = (name: string) => (median(cpu.get(name)!) * 100_000) / count;
  return [
    ...candidates.map(({ name }) =>
      row(name, rate(name), "/s", {
        note: `${cpuMs(name).toFixed(0)} ms of processor for 100,000, the server's not counted`,
      }),
    ),
    row(`ours / unnest by hand, ${batchSize} a batch`, rate(ourName) / rate(handName), "x", {
      target: { atLeast: 0.8 },
      note: "same rows, table and indexes, in turns",
    }),
  ];
}
