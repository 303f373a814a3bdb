/**
 * What exporters cost those who emit: the time until an event is acknowledged, without any and with five, one of which gets no
 * connection. All in one process, since two of the same program differ by more than what is looked for; in each round twice without:
 * how far these are apart is what this measure cannot tell from nothing.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startPostgres } from "@sandglass/testkit";
import { medianInterval } from "../measure/median-interval.ts";
import type { Part, Plan } from "../measure/plan.ts";
import { type Row, row } from "../measure/row.ts";
import { median, percentile } from "../measure/statistics.ts";
import { Ours } from "./ours.ts";
import { Sink } from "./sink.ts";

const DEAD = "webhook";
const LIVING = ["otel", "axiom", "jsonl", "postgres"];
const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
/** Rounds in which code is compiled and heaps grow. */
const WARM_UP = 2;
/** After exporters came or went, until what that took is over. */
const SETTLE_MS = 100;

export const emit: Part = {
  name: "emit",
  title: "Emit with five exporters, one of them dead",
  measure: measureEmit,
};

const STATES = ["none", "again", "five"] as const;
/** Of each state its rounds, of each round its samples, milliseconds. Rounds of one number are beside each other in time. */
type Rounds = Record<(typeof STATES)[number], number[][]>;

async function measureEmit(plan: Plan): Promise<Row[]> {
  await using running = new AsyncDisposableStack();
  const dir = mkdtempSync(join(tmpdir(), "sandglass-bench-"));
  running.defer(() => rmSync(dir, { recursive: true }));
  const database = running.use(await startPostgres());
  const sink = running.use(await Sink.start());
  const gone = running.use(await Sink.start());
  await gone.die();
  const subject = running.use(
    await Ours.start([
      { provider: "otel", config: { endpoint: sink.url } },
      { provider: "axiom", config: { url: sink.url, token: "xaat-bench" } },
      { provider: "jsonl", config: { filePath: join(dir, "events.jsonl") } },
      { provider: "postgres", config: { connectionString: database.connectionString } },
      { provider: DEAD, config: { url: `${gone.url}/hook`, secret: SECRET } },
    ]),
  );
  const rows: Row[] = [];
  for (const { title, everyMs, events } of [
    { title: "one a millisecond", everyMs: 1, events: 400 },
    { title: "one behind the other", everyMs: 0, events: 4000 },
  ]) {
    const rounds: Rounds = { none: [], again: [], five: [] };
    for (let round = -WARM_UP; round < plan.times(30, 3); round++) {
      for (const state of shuffled(STATES)) {
        const taken = await (state === "five" ? withFive : withNone)(subject, events, everyMs);
        if (round >= 0) rounds[state].push(taken);
      }
    }
    rows.push(...rowsOf(title, rounds));
  }
  return rows;
}

async function withNone(subject: Ours, events: number, everyMs: number): Promise<number[]> {
  await delay(SETTLE_MS);
  return subject.emitAtPace(events, everyMs);
}

async function withFive(subject: Ours, events: number, everyMs: number): Promise<number[]> {
  await subject.attach();
  // Connections are made, what was emitted meanwhile is delivered, and that one of them is dead is known.
  await subject.flush(LIVING);
  while (!(await subject.list()).some(({ id, state }) => id === DEAD && state === "stalled"))
    await delay(SETTLE_MS);
  await delay(SETTLE_MS);
  const taken = await subject.emitAtPace(events, everyMs);
  await subject.flush(LIVING);
  const exporters = await subject.list();
  const behind = exporters.filter(({ id, counts }) => id !== DEAD && counts.queued + counts.inFlight > 0);
  const dead = exporters.find(({ id }) => id === DEAD);
  if (behind.length > 0) throw new Error(`${behind.map(({ id }) => id).join(", ")} did not deliver all`);
  if (dead?.counts.delivered !== 0) throw new Error("the dead destination took events");
  await subject.detach();
  return taken;
}

function rowsOf(title: string, rounds: Rounds): Row[] {
  const all = (name: keyof Rounds, share: number) => percentile(rounds[name].flat(), share);
  const added = addedOf(rounds, "five");
  const control = addedOf(rounds, "again");
  const note = `${rounds.none.length} rounds of ${rounds.none[0]?.length} each`;
  return [
    row(`${title}, no exporter, p50`, all("none", 0.5), "ms", { note }),
    row(`${title}, no exporter, p99`, all("none", 0.99), "ms"),
    row(`${title}, five exporters, p50`, all("five", 0.5), "ms"),
    row(`${title}, five exporters, p99`, all("five", 0.99), "ms"),
    row(`${title}, added, p50`, added.value, "%", { target: { atMost: 5 }, note: spread(added) }),
    row(`${title}, none beside none, p50`, control.value, "%", { note: spread(control) }),
  ];
}

interface Added {
  value: number;
  interval: { from: number; to: number };
}

/** By how many percent the median of `name` is above that of `none`: the median over rounds, and where it is with 95 % certainty. */
function addedOf(rounds: Rounds, name: keyof Rounds): Added {
  const percents = rounds[name].map((taken, at) => (median(taken) / median(rounds.none[at]!) - 1) * 100);
  return { value: median(percents), interval: medianInterval(percents) };
}

function spread({ interval: { from, to } }: Added): string {
  return `by rounds; with 95 % certainty ${from.toFixed(1)} to ${to.toFixed(1)}`;
}

/** In another order every time: whoever is first may have it easier. */
function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
