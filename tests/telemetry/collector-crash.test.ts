import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  callHttp,
  describeBroken,
  helperPid,
  type Seeded,
  seeded,
  startDaemon,
  type TestDaemon,
  until,
} from "@sandglass/testkit";
import { Client } from "sandglass";
import { whileFlapping } from "../delivery/chaos/destination.ts";
import { failHttp } from "../delivery/chaos/http-destinations.ts";
import { isLong } from "../long.ts";
import { findCollectorPid } from "./collector-process.ts";
import { Fleet, readKept, type Sender } from "./crash-fleet.ts";
import { sandboxOf, TelemetrySink } from "./telemetry-sink.ts";

const SEED = 20_260_418;
const API_KEY = "test_0123456789abcdefghijklmnopqrstuvwxyzABCD";
/** Each ends with a SIGKILL. */
const LIVES = isLong ? 20 : 10;
const COLLECTOR_KILLS = 5;
/** A life ends at a random moment within this, once every sandbox has something taken. */
const LIFE_MS = 800;
const CATCH_UP_MS = 60_000;

/** Of each destination of telemetry; asking for it makes an event, which waits for the exporters of events. */
const WAITING = 'otelcol_exporter_queue_size\\{exporter="[^"]+",data_type="telemetry"\\}';

describe(`ten sandboxes that send while the daemon is killed ${LIVES} times, and its collector alone ${COLLECTOR_KILLS} times`, () => {
  const random = seeded(SEED);
  const disposables = new AsyncDisposableStack();
  const senders: Sender[] = [];
  let dataDir: string;
  let ours: TelemetrySink;
  let owners: TelemetrySink;
  let daemon: TestDaemon;
  let client: Client;
  let kills = 0;
  /** By the daemon's own backend, when it was last looked at. */
  let accepted = 0;
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "sg-crash-"));
    disposables.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
    ours = disposables.use(await TelemetrySink.start());
    owners = disposables.use(await TelemetrySink.start());
    disposables.defer(async () => void (await daemon?.stop()));
  });
  after(() => disposables.disposeAsync());

  async function start(): Promise<void> {
    const config = { endpoint: ours.url, protocol: "http/protobuf", timeoutMs: 2_000 };
    daemon = await startDaemon({
      dataDir,
      apiKeys: [API_KEY],
      args: ["--pool", "bash=0,python=0"],
      env: {
        SANDGLASS_OBSERVABILITY: JSON.stringify({ provider: "otel", config, startAt: "earliest" }),
        SANDGLASS_SELF_METRICS: "false",
      },
    });
    client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey, streamRetries: 0 });
  }

  /** They add up at every moment, and go on over every restart. */
  async function lookAtAccounts(): Promise<void> {
    const [exporter] = await client.exporters.list();
    const counts = exporter?.telemetry?.counts;
    assert.ok(counts, `${JSON.stringify(exporter)}\n${daemon.logs().slice(-3000)}`);
    assert.equal(describeBroken(counts), undefined);
    assert.ok(counts.accepted >= accepted, `accepted ${counts.accepted}, ${accepted} before`);
    accepted = counts.accepted;
  }

  /** One life of the daemon, at whose end it is killed; what its sandboxes had written is read in the next. */
  async function live(): Promise<Sender[]> {
    const fleet = await Fleet.start(client, kills, owners.url);
    await until("something of every sandbox is taken", () =>
      fleet.senders.every(({ acknowledged }) => acknowledged.size > 0),
    );
    await delay(random.int(LIFE_MS));
    await lookAtAccounts();
    await daemon.kill();
    kills += 1;
    await fleet.ended();
    await client.close();
    await daemon.stop();
    return fleet.senders;
  }

  for (let life = 1; life <= LIVES; life++) {
    test(`life ${life} of ${LIVES}: sandboxes send, backends come and go, the daemon is killed and started again`, async (t) => {
      const work = (async () => {
        if (daemon === undefined) await start();
        const killed = await live();
        await start();
        for (const sender of killed) await readKept(daemon, sender);
        senders.push(...killed);
      })();
      const faults = await flapping([ours, owners], random, work);
      t.diagnostic(
        `${acknowledged(senders)} spans were taken so far, ${faults} faults of backends; seed ${SEED}`,
      );
    });
  }

  test(`the collector alone is killed ${COLLECTOR_KILLS} times, and once the helper that made their sandboxes, and the same go on`, async (t) => {
    const fleet = await Fleet.start(client, kills, owners.url);
    const work = (async () => {
      for (let kill = 0; kill <= COLLECTOR_KILLS; kill++) {
        const before = fleet.senders.map(({ acknowledged }) => acknowledged.size);
        await until("every sandbox has more taken", () =>
          fleet.senders.every(({ acknowledged }, index) => acknowledged.size > before[index]!),
        );
        await delay(random.int(LIFE_MS));
        await lookAtAccounts();
        // What was taken may be told late, while the next is still being started.
        const pid = await until("there is a collector", () => findCollectorPid(daemon.pid));
        if (kill < COLLECTOR_KILLS) process.kill(pid, "SIGKILL");
        // The next collectors get new sockets from the minders that it left.
        if (kill === 1) process.kill(helperPid(daemon.pid) as number, "SIGKILL");
      }
    })();
    const faults = await flapping([ours, owners], random, work);
    for (const { sandboxId, execId } of fleet.senders) {
      const { json } = await callHttp(daemon, `GET /v1/sandboxes/${sandboxId}/execs/${execId}`);
      assert.equal(json.state, "running");
      assert.equal((await callHttp(daemon, `DELETE /v1/sandboxes/${sandboxId}`)).status, 204);
    }
    await fleet.ended();
    senders.push(...fleet.senders);
    t.diagnostic(`${fleet.acknowledged} spans were taken, ${faults} faults of backends`);
  });

  test("every span that was taken is at every backend that it was for, as its own sandbox's, and nothing was dropped", async (t) => {
    assert.equal(kills, LIVES);
    assert.equal(senders.length, 10 * (LIVES + 1));
    // A request that a backend had not answered when the storm was over ends by its time limit; owners' are not waited for as long.
    const { dropped } = await until("nothing is pending", async () => {
      const flushed = await client.exporters.flush({ timeoutMs: CATCH_UP_MS });
      return flushed.pending === 0 && flushed;
    });
    assert.equal(dropped, 0);
    for (const sink of [ours, owners]) {
      const names = namesBySandbox(sink);
      for (const { name, sandboxId, isOwners, acknowledged } of senders) {
        const arrived = names.get(sandboxId) ?? new Set();
        const strange = [...arrived].filter(
          (each) => each.startsWith("life-") && !each.startsWith(`${name}-`),
        );
        assert.deepEqual(strange, []);
        if (sink === owners && !isOwners) assert.equal(arrived.size, 0);
        else
          assert.deepEqual(
            [...acknowledged].filter((each) => !arrived.has(each)),
            [],
            name,
          );
      }
    }
    assert.deepEqual(
      [...new Set(senders.flatMap(({ protocols }) => [...protocols]))].sort(),
      ["HTTP", "gRPC"].sort(),
    );
    t.diagnostic(`${acknowledged(senders)} spans were taken, by ${senders.length} sandboxes`);
  });

  test("the accounts add up", async () => {
    // What the host said of the last sandboxes' ends comes behind what they sent.
    const text = await until("all is settled", async () => {
      await client.exporters.flush({ timeoutMs: CATCH_UP_MS });
      const { text: now } = await callHttp(daemon, "GET /metrics");
      return new RegExp(`^${WAITING} [1-9]`, "m").test(now) ? undefined : now;
    });
    const metric = (name: string): number => {
      const found = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"))];
      assert.ok(found.length > 0, name);
      return found.reduce((sum, [, value]) => sum + Number(value), 0);
    };
    const of = (way: string, name: string): number => metric(`sandglass_${way}_${name}_requests_total`);
    const total = metric("sandglass_telemetry_log_last_position");
    assert.deepEqual([of("relay", "accepted"), of("relay", "dropped")], [total, 0]);
    assert.equal(of("relay", "delivered") + of("relay", "filtered"), total);
    assert.ok(of("forward", "delivered") > 0);
    assert.deepEqual([of("forward", "delivered"), of("forward", "dropped")], [of("forward", "accepted"), 0]);
    assert.match(text, new RegExp(`^${WAITING} 0$`, "m"));
    assert.equal(metric("sandglass_forward_queued_requests"), 0);
  });
});

/** Lets each misbehave in turns while `work` goes on; then all are well. @returns how often they did */
async function flapping(
  sinks: readonly TelemetrySink[],
  random: Seeded,
  work: Promise<unknown>,
): Promise<number> {
  const faults = sinks.map((sink) =>
    whileFlapping({ fail: (own) => failHttp(sink.server, own) }, seeded(random.int(2 ** 31)), work),
  );
  const [, ...counts] = await Promise.all([work, ...faults]);
  return counts.reduce((sum, count) => sum + count, 0);
}

function acknowledged(senders: readonly Sender[]): number {
  return senders.reduce((sum, { acknowledged: { size } }) => sum + size, 0);
}

function namesBySandbox(sink: TelemetrySink): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  for (const entry of sink.entries) {
    if (entry.signal !== "traces") continue;
    const sandboxId = sandboxOf(entry) ?? "";
    const known = names.get(sandboxId) ?? new Set();
    names.set(sandboxId, known);
    for (const name of entry.names) if (name.startsWith("life-")) known.add(name);
  }
  return names;
}
