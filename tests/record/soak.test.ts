import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  agentPid,
  helperPid,
  minderPid,
  type Seeded,
  seeded,
  type TestDaemon,
  until,
} from "@sandglass/testkit";
import { isLong } from "../long.ts";
import { checkRecord } from "./checker/check-record.ts";
import {
  descriptorsOf,
  residentBytes,
  sandboxTraces,
  survivors,
  takeCensus,
  untilNone,
} from "./fire/census.ts";
import { FireClient } from "./fire/client.ts";
import { FiredDaemon } from "./fire/fired-daemon.ts";
import { plot } from "./fire/plot.ts";
import { poolIsFull } from "./fire/pool-is-full.ts";
import { Told } from "./fire/told.ts";

/** `SANDGLASS_SOAK_SECONDS` over what the long and the short form take. */
const SECONDS = Number(process.env.SANDGLASS_SOAK_SECONDS ?? (isLong ? 3600 : 120));
const CLIENTS = 3;
const SAMPLES = 60;
const WARM_UP_SHARE = 0.3;
const FAULT_EVERY_MS = 2_000;
const HELPER_EVERY = 8;
const MINDER_EVERY = 6;
/** One for each client, and one that asks for metrics. */
const KEPT_CONNECTIONS = CLIENTS + 1;
const SEED = 2_026;
const MIB = 1024 ** 2;
/** As `bin/sandglass` starts it. Node's own takes up to 128 MiB, more than everything else, as chance has it. */
const YOUNG_GENERATION = "--max-semi-space-size=8";
/** What the store's page cache, which has at most 32, may still grow by behind the warm-up, and a little. */
const MEMORY_GROWTH_MIB = 40;
/** Execs that run into a limit, beside ordinary ones. */
const COMMANDS = [
  "echo out; echo err >&2",
  "head -c 100000 /dev/urandom | base64",
  "exit 3",
  "kill -KILL $$",
  "exec tail -c 150000000 /dev/zero",
  "rm -f fill; head -c 100000000 /dev/zero > fill",
  "rm -f fill; echo room again",
  "text=$(head -c 200000000 /dev/zero | tr '\\0' x); echo \"$text\" | wc -c",
];
/** What these commands, and the faults, have to end with now and then. */
const ENDINGS = ["exited", "killed", "output_limit", "disk_full", "oom_killed"];
/** Faults are injected: a sandbox may go under a client's hands, in the middle of anything. */
const MAY_REFUSE = ["DRIVER_ERROR", "SANDBOX_ENDED", "DISK_FULL", "FILE_ERROR", "SANDBOX_PAUSED"];

interface Sample {
  residentMib: number;
  descriptors: number;
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
  const descriptorsAtFirst = descriptorsOf(daemon.pid);
  const random = seeded(SEED);
  const told = new Told();
  const stop = new AbortController();
  const startedMs = performance.now();
  const options = { told, holds: 3, mayRefuse: MAY_REFUSE, commands: COMMANDS };
  const clients = Array.from(
    { length: CLIENTS },
    () => new FireClient(daemon, { ...options, random: seeded(random.int(2 ** 31)) }),
  );
  const working = Promise.all(clients.map((client) => client.run(stop.signal, () => false)));
  const faults = injectFaults(daemon, told, random, stop.signal);
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
  await until(
    "all descriptors are given back, but of connections that are kept",
    () => descriptorsOf(daemon.pid) <= descriptorsAtFirst + KEPT_CONNECTIONS,
  );

  const census = takeCensus(daemon.pid);
  assert.equal(await fired.stop(), 0);
  await untilNone("nothing survives it", () => survivors(census, fired.dataDir));
  assert.deepEqual(sandboxTraces(fired.dataDir), []);
  const { findings, endings, records } = checkRecord(fired.dataDir, { clients: told });
  t.diagnostic(`${records} events; ${JSON.stringify(endings)}`);
  const unseen = ENDINGS.filter((cause) => !(endings[`exec ${cause}`] ?? 0));
  assert.deepEqual(unseen, [], "what the work was to run into");
  assert.deepEqual(findings.slice(0, 20), []);
  const { agents = 0, minders = 0, helpers = 0 } = await faults;
  assert.ok(Math.min(agents, minders, helpers) > 0, "each was killed");
  const harmed = endings["sandbox driver_error"] ?? 0;
  assert.ok(
    harmed <= agents + minders,
    `${harmed} sandboxes ended by ${agents} agents and ${minders} minders`,
  );

  // Last, so that growth hides nothing of the record.
  const steady = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
  isFlat(
    "memory (MiB)",
    steady.map(({ residentMib }) => residentMib),
    MEMORY_GROWTH_MIB,
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

/** Kills an agent, a minder or the helper, or goes away in the middle of an answer, every now and then. */
async function injectFaults(
  daemon: TestDaemon,
  told: Told,
  random: Seeded,
  stop: AbortSignal,
): Promise<Record<string, number>> {
  const counts = { agents: 0, minders: 0, helpers: 0, aborts: 0, tooLate: 0 };
  for (let round = 1; !stop.aborted; round++) {
    await delay(FAULT_EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
    const sandbox = told.sandboxes.at(-1 - random.int(Math.min(4, told.sandboxes.length)));
    if (stop.aborted || sandbox === undefined) continue;
    try {
      if (round % HELPER_EVERY === 0) {
        const helper = await until("there is a helper", () => helperPid(daemon.pid));
        process.kill(helper, "SIGKILL");
        counts.helpers += 1;
      } else if (round % MINDER_EVERY === 0) {
        process.kill(minderPid(sandbox.id), "SIGKILL");
        counts.minders += 1;
      } else if (round % 2 === 0) {
        process.kill(agentPid(sandbox.id), "SIGKILL");
        counts.agents += 1;
      } else {
        const json = { command: "yes", timeoutMs: 1000 };
        const signal = AbortSignal.timeout(200);
        const headers = { authorization: `Bearer ${daemon.apiKey}`, "content-type": "application/json" };
        const url = `${daemon.url}/v1/sandboxes/${sandbox.id}/exec`;
        await fetch(url, { method: "POST", headers, body: JSON.stringify(json), signal }).then((answer) =>
          answer.text(),
        );
        counts.tooLate += 1;
      }
    } catch (error) {
      if ((error as Error).name === "TimeoutError") counts.aborts += 1;
      else counts.tooLate += 1; // the sandbox had gone by itself
    }
  }
  return counts;
}

function look({ pid, dataDir }: TestDaemon): Sample {
  return {
    residentMib: residentBytes(pid) / MIB,
    descriptors: descriptorsOf(pid),
    mounts: readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(dataDir)).length,
    traces: sandboxTraces(dataDir).length,
  };
}

/** Fails where the last third is on average higher than the first by more than `allowed`. */
function isFlat(what: string, values: readonly number[], allowed: number): void {
  const third = Math.floor(values.length / 3);
  const mean = (part: readonly number[]): number => part.reduce((sum, value) => sum + value, 0) / part.length;
  const [first, last] = [mean(values.slice(0, third)), mean(values.slice(-third))];
  assert.ok(last - first <= allowed, `${what} grew from ${first.toFixed(1)} to ${last.toFixed(1)}`);
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
      "descriptors of the daemon",
      samples.map(({ descriptors }) => descriptors),
      "",
    ),
  ].flatMap((text) => text.split("\n"));
}
