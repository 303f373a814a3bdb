import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { callHttp, seeded, type TestDaemon, until } from "@sandglass/testkit";
import { isLong } from "../long.ts";
import { checkRecord } from "./checker/check-record.ts";
import {
  countTraces,
  descriptorsOf,
  hostProcesses,
  residentBytes,
  sandboxTraces,
  survivors,
  takeCensus,
  untilNone,
} from "./fire/census.ts";
import { FireClient } from "./fire/client.ts";
import { injectFaults } from "./fire/faults.ts";
import { FiredDaemon } from "./fire/fired-daemon.ts";
import { Follower } from "./fire/follower.ts";
import { plot } from "./fire/plot.ts";
import { poolIsFull } from "./fire/pool-is-full.ts";
import { Told } from "./fire/told.ts";

/** `SANDGLASS_SOAK_SECONDS` over what the long and the short form take. */
const SECONDS = Number(process.env.SANDGLASS_SOAK_SECONDS ?? (isLong ? 3600 : 120));
const CLIENTS = 3;
const SAMPLES = 60;
const WARM_UP_SHARE = 0.3;
/** One for each client, one for the follower, and one that asks for metrics. */
const KEPT_CONNECTIONS = CLIENTS + 2;
const SEED = 2_026;
const MIB = 1024 ** 2;
/** As `bin/sandglass` starts it. Node's own takes up to 128 MiB, more than everything else, as chance has it. */
const YOUNG_GENERATION = "--max-semi-space-size=8";
/** What the store's page cache, which has at most 32, may still grow by behind the warm-up, and a little. */
const MEMORY_GROWTH_MIB = 40;
/** Of the collector, the egress proxy, the helper and the minders together, of which each sandbox has one. */
const SERVANTS_GROWTH_MIB = 40;
/** More descriptors where clients hold more sandboxes, as chance has it. */
const DESCRIPTOR_GROWTH = 60;
/** A policy, so that the egress proxy has work: what it refuses takes nobody's name servers. */
const SANDBOX = { network: { egress: { allow: ["allowed.invalid"] } } };
const LOGS = JSON.stringify({
  resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: "from inside" } }] }] }],
});
const POST = [
  "POST /v1/logs HTTP/1.1",
  "Host: localhost",
  "Connection: close",
  "Content-Type: application/json",
  `Content-Length: ${LOGS.length}`,
  "",
  LOGS,
].join("\\r\\n");
/** What keeps the egress proxy and the collector at work. */
const SERVED = [
  `exec 3<>/dev/tcp/127.0.0.1/3128; printf "CONNECT refused.invalid:443 HTTP/1.1\\r\\nHost: refused.invalid\\r\\n\\r\\n" >&3; head -n 1 <&3`,
  `exec 3<>/dev/tcp/127.0.0.1/4318; printf '${POST}' >&3; head -n 1 <&3`,
];
/** Execs that run into a limit, beside ordinary ones. */
const COMMANDS = [
  ...SERVED,
  "echo out; echo err >&2",
  "head -c 100000 /dev/urandom | base64",
  "exit 3",
  "kill -KILL $$",
  "exec tail -c 150000000 /dev/zero",
  "rm -f fill; head -c 100000000 /dev/zero > fill",
  "rm -f fill; echo room again",
  "text=$(head -c 200000000 /dev/zero | tr '\\0' x); echo \"$text\" | wc -c",
];
/** In which no sandbox is made, whatever is killed meanwhile: clients work for a while between one and the next. */
const AWAY_MS = 60_000;
/** What these commands, and the faults, have to end with now and then. */
const ENDINGS = ["exited", "killed", "output_limit", "disk_full", "oom_killed"];
/** Faults are injected: a sandbox may go under a client's hands, in the middle of anything. */
const MAY_REFUSE = ["DRIVER_ERROR", "SANDBOX_ENDED", "DISK_FULL", "FILE_ERROR", "SANDBOX_PAUSED"];

interface Sample {
  residentMib: number;
  servantsMib: number;
  descriptors: number;
  servantsDescriptors: number;
  mounts: number;
  traces: number;
}

test(`${SECONDS} s of work at full speed with random faults: nothing grows, and the record is whole`, {
  timeout: (SECONDS * 1.1 + 120) * 1000,
}, async (t) => {
  await using fired = await FiredDaemon.prepare({
    args: ["--pool", "bash=2", "--log", "warn"],
    env: { NODE_OPTIONS: YOUNG_GENERATION },
  });
  const daemon = await fired.start();
  await poolIsFull(daemon);
  await servantsAreUp(daemon);
  await poolIsFull(daemon);
  const atFirst = look(daemon);
  const tracesAtFirst = countTraces(sandboxTraces(daemon.dataDir));
  const random = seeded(SEED);
  const told = new Told();
  const stop = new AbortController();
  const startedMs = performance.now();
  const options = { told, holds: 3, mayRefuse: MAY_REFUSE, commands: COMMANDS, sandbox: SANDBOX };
  const clients = Array.from(
    { length: CLIENTS },
    () => new FireClient(daemon, { ...options, random: seeded(random.int(2 ** 31)) }),
  );
  const following = new Follower(told).follow(daemon, stop.signal, () => false);
  const working = Promise.all([following, ...clients.map((client) => client.run(stop.signal, () => false))]);
  const warmUp = AbortSignal.timeout(SECONDS * 1000 * WARM_UP_SHARE);
  const faults = injectFaults(daemon, told, random, stop.signal, warmUp);
  const samples: Sample[] = [];
  const sampling = (async () => {
    while (samples.length < SAMPLES) {
      await delay((SECONDS * 1000) / SAMPLES);
      samples.push(look(daemon));
    }
  })();
  await Promise.race([sampling, working, faults]);
  stop.abort();
  await Promise.all([working, faults]);
  for (const client of clients) await client.tidy();

  t.diagnostic(told.describe());
  t.diagnostic(`faults: ${JSON.stringify(await faults)}`);
  for (const line of plots(told, samples, startedMs)) t.diagnostic(line);
  const sixth = samples.filter((_, at) => (at + 1) % (SAMPLES / 6) === 0);
  t.diagnostic(
    `memory at each sixth (MiB): ${sixth.map(({ residentMib }) => residentMib.toFixed(0)).join(", ")}`,
  );
  assert.deepEqual(told.surprises, []);
  await poolIsFull(daemon);
  const spare = { descriptors: KEPT_CONNECTIONS, servantsDescriptors: 0 };
  await until("all descriptors are given back, but of connections that are kept", () => {
    const now = look(daemon);
    return (["descriptors", "servantsDescriptors"] as const).every(
      (which) => now[which] <= atFirst[which] + spare[which],
    );
  }).catch((error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify({ atFirst, now: look(daemon) })}`);
  });
  const tracesNow = () => countTraces(sandboxTraces(daemon.dataDir));
  await until("what is left is the pool's", () => isDeepStrictEqual(tracesNow(), tracesAtFirst)).catch(() => {
    assert.deepEqual(tracesNow(), tracesAtFirst);
  });

  const census = takeCensus(daemon.pid);
  assert.equal(await fired.stop(), 0);
  await untilNone("nothing survives it", () => survivors(census, fired.dataDir));
  assert.deepEqual(sandboxTraces(fired.dataDir), []);
  const { findings, endings, records } = checkRecord(fired.dataDir, { clients: told });
  t.diagnostic(`${records} events; ${JSON.stringify(endings)}`);
  const unseen = ENDINGS.filter((cause) => !(endings[`exec ${cause}`] ?? 0));
  assert.deepEqual(unseen, [], "what the work was to run into");
  assert.deepEqual(findings.slice(0, 20), []);
  const longestMs = longestWithout(told, startedMs);
  t.diagnostic(`longest time without a new sandbox: ${(longestMs / 1000).toFixed(1)} s`);
  assert.ok(longestMs <= AWAY_MS, `no sandbox was made for ${longestMs} ms`);
  const { agents, minders, helpers, collectors, proxies } = await faults;
  assert.ok(Math.min(agents, minders, helpers, collectors, proxies) > 0, "each was killed");
  const harmed = endings["sandbox driver_error"] ?? 0;
  assert.ok(
    harmed <= agents + minders,
    `${harmed} sandboxes ended by ${agents} agents and ${minders} minders`,
  );

  const steady = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
  const thirds = (["residentMib", "servantsMib", "descriptors", "servantsDescriptors"] as const).map(
    (which) => {
      const [first, last] = firstAndLast(steady.map((sample) => sample[which]));
      return `${which} ${first.toFixed(0)} to ${last.toFixed(0)}`;
    },
  );
  t.diagnostic(`first and last third behind the warm-up: ${thirds.join(", ")}`);

  // Last, so that growth hides nothing of the record.
  isFlat(
    "memory (MiB)",
    steady.map(({ residentMib }) => residentMib),
    MEMORY_GROWTH_MIB,
  );
  isFlat(
    "memory of its other processes (MiB)",
    steady.map(({ servantsMib }) => servantsMib),
    SERVANTS_GROWTH_MIB,
  );
  isFlat(
    "descriptors of all of them",
    steady.map(({ descriptors, servantsDescriptors }) => descriptors + servantsDescriptors),
    DESCRIPTOR_GROWTH,
  );
  isFlat(
    "mounts",
    steady.map(({ mounts }) => mounts),
    4,
  );
  isFlat(
    "sandboxes' cgroups, files and devices",
    steady.map(({ traces }) => traces),
    40,
  );
});

/** Has the processes that are there for sandboxes alone started, as the first sandbox with a policy does. */
async function servantsAreUp(daemon: TestDaemon): Promise<void> {
  const created = await callHttp(daemon, "POST /v1/sandboxes", { json: { template: "bash", ...SANDBOX } });
  assert.equal(created.status, 201, created.text);
  const sandbox = `/v1/sandboxes/${created.json.id}`;
  const said: string[] = [];
  for (const command of SERVED)
    said.push((await callHttp(daemon, `POST ${sandbox}/exec`, { json: { command } })).text);
  const [refused, logged] = said;
  assert.match(`${refused}`, /HTTP\/1.1 403/);
  assert.match(`${logged}`, /HTTP\/1.1 200/);
  await callHttp(daemon, `DELETE ${sandbox}`);
  const left = () => sandboxTraces(daemon.dataDir).filter((trace) => trace.includes(created.json.id));
  await untilNone("that sandbox is gone", left);
}

function look({ pid, dataDir }: TestDaemon): Sample {
  const servants = hostProcesses(pid).filter((each) => each !== pid);
  const sum = (of: (pid: number) => number) => servants.reduce((total, each) => total + of(each), 0);
  return {
    residentMib: residentBytes(pid) / MIB,
    servantsMib: sum(residentBytes) / MIB,
    descriptors: descriptorsOf(pid),
    servantsDescriptors: sum(descriptorsOf),
    mounts: readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(dataDir)).length,
    traces: sandboxTraces(dataDir).length,
  };
}

/** Fails where the last third is on average higher than the first by more than `allowed`. */
function isFlat(what: string, values: readonly number[], allowed: number): void {
  const [first, last] = firstAndLast(values);
  assert.ok(last - first <= allowed, `${what} grew from ${first.toFixed(1)} to ${last.toFixed(1)}`);
}

/** The means of the first and the last third. */
function firstAndLast(values: readonly number[]): [first: number, last: number] {
  const third = Math.floor(values.length / 3);
  const mean = (part: readonly number[]): number => part.reduce((sum, value) => sum + value, 0) / part.length;
  return [mean(values.slice(0, third)), mean(values.slice(-third))];
}

/** From one sandbox that was made to the next, whoever made it. */
function longestWithout(told: Told, startedMs: number): number {
  const created = told.samples.filter(({ operation }) => operation === "create").map(({ atMs }) => atMs);
  const times = [startedMs, ...created.sort((a, b) => a - b)];
  return Math.max(...times.slice(1).map((atMs, at) => atMs - times[at]!));
}

function plots(told: Told, samples: readonly Sample[], startedMs: number): string[] {
  const widthMs = (SECONDS * 1000) / SAMPLES;
  const p99 = (operation: string): (number | undefined)[] =>
    Array.from({ length: SAMPLES }, (_, at) => {
      const inSlot = told.samples
        .filter(
          (sample) =>
            sample.operation === operation && Math.floor((sample.atMs - startedMs) / widthMs) === at,
        )
        .map(({ tookMs }) => tookMs)
        .sort((a, b) => a - b);
      return inSlot[Math.floor(inSlot.length * 0.99)];
    });
  return [
    plot("create, p99", p99("create"), "ms"),
    plot("exec, p99", p99("exec"), "ms"),
    plot(
      "memory of the daemon",
      samples.map(({ residentMib }) => residentMib),
      "MiB",
    ),
    plot(
      "memory of its other processes",
      samples.map(({ servantsMib }) => servantsMib),
      "MiB",
    ),
    plot(
      "descriptors of the daemon",
      samples.map(({ descriptors }) => descriptors),
      "",
    ),
    plot(
      "descriptors of its other processes",
      samples.map(({ servantsDescriptors }) => servantsDescriptors),
      "",
    ),
  ].flatMap((text) => text.split("\n"));
}
