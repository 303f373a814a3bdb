import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { seeded, until } from "@sandglass/testkit";
import { isLong } from "../long.ts";
import { checkRecord } from "./checker/check-record.ts";
import { claimsOf, descriptorsOf, sandboxTraces, survivors, takeCensus, untilNone } from "./fire/census.ts";
import { FireClient } from "./fire/client.ts";
import { FiredDaemon } from "./fire/fired-daemon.ts";
import { Follower } from "./fire/follower.ts";
import { poolIsFull } from "./fire/pool-is-full.ts";
import { Told } from "./fire/told.ts";

const KILLS = isLong ? 200 : 10;
/** Kills in one test: each has a time limit. */
const PER_TEST = 2;
const CLIENTS = 4;
/** A cell beside a command is the most that a client asks for; as many again may be answered and not yet recorded. */
const REQUESTS_AT_ONCE = CLIENTS * 2 * 2;
/** Answers in one life, at most: work, not time, so that a slow machine is killed in the middle of as much. */
const LONGEST_LIFE = 80;
const SEED = 20_261_122;

describe(`a daemon under load that is killed ${KILLS} times at random moments`, () => {
  const random = seeded(SEED);
  const told = new Told();
  const follower = new Follower(told);
  let daemon: FiredDaemon;
  /** Of a daemon that has not been killed yet and holds nothing. */
  let descriptorsAtFirst: number;
  /** Of the host's ids, by daemons that were killed. */
  let claims = 0;
  before(async () => {
    daemon = await FiredDaemon.prepare({ args: ["--pool", "bash=2"] });
    const { pid } = await daemon.start();
    await poolIsFull(daemon.current);
    descriptorsAtFirst = descriptorsOf(pid);
  });
  after(() => daemon[Symbol.asyncDispose]());

  /** One life under load, its end, and what is left of it before and after the next one begins. */
  async function killOnce(): Promise<void> {
    const stop = new AbortController();
    const clients = Array.from({ length: CLIENTS }, () => {
      const options = { told, random: seeded(random.int(2 ** 31)), holds: 3 };
      return new FireClient(daemon.current, options).run(stop.signal, () => daemon.isDoomed);
    });
    const following = follower.follow(daemon.current, stop.signal, () => daemon.isDoomed);
    const working = Promise.all([...clients, following]);
    const answers = told.answers + random.int(LONGEST_LIFE);
    await Promise.race([working, until("it has worked", () => told.answers >= answers)]);
    const census = takeCensus(daemon.current.pid);
    const traces = new Set(sandboxTraces(daemon.dataDir));
    await daemon.kill();
    claims += claimsOf(census).length;
    stop.abort();
    await working;
    await untilNone("nothing survives it", () => survivors(census, daemon.dataDir));

    await daemon.start();
    // It has a pool of its own by now.
    const left = sandboxTraces(daemon.dataDir).filter((trace) => traces.has(trace));
    assert.deepEqual(left, []);
    assert.deepEqual(claimsOf(census), []);
    assert.deepEqual(readdirSync(daemon.temporaryDir), []);
    const { findings } = checkRecord(daemon.dataDir, { clients: told, requestsAtOnce: REQUESTS_AT_ONCE });
    assert.deepEqual(findings.slice(0, 20), []);
  }

  for (let kills = 0; kills < KILLS; kills += PER_TEST) {
    test(`kills ${kills + 1} to ${kills + PER_TEST}: nothing that was answered is lost, and nothing is left on the host`, async (t) => {
      for (let round = 0; round < PER_TEST; round++) await killOnce();
      t.diagnostic(`${told.describe()}; seed ${SEED}`);
    });
  }

  test("no answer was one that the load does not explain, and there was something to leave", () => {
    assert.deepEqual(told.surprises, []);
    assert.ok(told.execs.length > KILLS && told.files.length > KILLS);
    assert.ok(told.changes.length > KILLS && told.shown.length > told.answers);
    assert.ok(claims >= KILLS, `${claims} claims of ids were there when their daemons were killed`);
  });

  test("sandboxes that were alive ended with host_crash, and so did what ran in them", (t) => {
    const { endings, records } = checkRecord(daemon.dataDir);
    assert.ok((endings["sandbox host_crash"] ?? 0) >= KILLS, JSON.stringify(endings));
    assert.ok((endings["exec host_crash"] ?? 0) >= KILLS / 2, JSON.stringify(endings));
    assert.equal(endings["sandbox running"], undefined);
    t.diagnostic(`${records} events; ${JSON.stringify(endings)}`);
  });

  test("the last daemon has as many descriptors as the first, and leaves nothing when it is stopped", async () => {
    const { pid } = daemon.current;
    await until("it has given back what it took", () => descriptorsOf(pid) <= descriptorsAtFirst);
    const census = takeCensus(pid);
    assert.ok(claimsOf(census).length > 0);
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual([...survivors(census, daemon.dataDir), ...claimsOf(census)], []);
    assert.deepEqual(readdirSync(daemon.temporaryDir), []);
  });
});
