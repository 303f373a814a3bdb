import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { EventDataMap } from "@sandglass/protocol";
import { until } from "@sandglass/testkit";
import { Sampler } from "./sampler.ts";
import type { Sampled, SaySample } from "./sandbox-samples.ts";

const RATES = { cpuHourUsd: 0, memoryGbHourUsd: 0 };
const never = { intervalMs: 0, costRates: RATES };

/** A sandbox whose counters are what the test says. */
class Subject implements Sampled {
  readonly id = "sbx_1";
  readonly limits = { vcpu: 1, memoryMb: 100 };
  readonly said: string[] = [];
  readonly costs: EventDataMap["cost.runtime"][] = [];
  read: () => number = () => 0;
  refuse: (type: string) => Promise<void> = async () => {};
  readonly driver = {
    usage: () => ({ cpuMs: this.read(), throttledMs: 0, memoryBytes: 7, pids: 1, oomKills: 0 }),
    disk: () => ({ freeBytes: 60, sizeBytes: 100 }),
  };
  readonly say: SaySample = async (type, data) => {
    await this.refuse(type);
    this.said.push(type);
    if ("costUsd" in data) this.costs.push(data);
  };
}

test("without an interval there is a sample at the start and one at the end, and a cost with that", async () => {
  const subject = new Subject();
  const end = new Sampler(never, true).begin(subject, subject.say);
  await nextTurn();
  assert.deepEqual(subject.said, ["resource.sample"]);
  subject.read = () => 40;
  await end();
  assert.deepEqual(subject.said, ["resource.sample", "resource.sample", "cost.runtime"]);
  assert.equal(subject.costs[0]?.cpuMs, 40);
});

test("at an interval each sandbox is sampled until it ends", async () => {
  const sampler = new Sampler({ intervalMs: 10, costRates: RATES }, true);
  const [one, two] = [new Subject(), new Subject()];
  const ends = [one, two].map((subject) => sampler.begin(subject, subject.say));
  const keepAlive = setInterval(() => {}, 1000);
  await until("both were sampled", () => one.said.length > 3 && two.said.length > 3);
  await ends[0]?.();
  const count = one.said.length;
  const seen = two.said.length;
  await until("the other goes on", () => two.said.length > seen + 2);
  assert.equal(one.said.length, count);
  await ends[1]?.();
  clearInterval(keepAlive);
});

test("one that was just sampled is left out of a round", async () => {
  const sampler = new Sampler({ intervalMs: 60_000, costRates: RATES }, true);
  const subject = new Subject();
  const end = sampler.begin(subject, subject.say);
  await sampler.run();
  assert.deepEqual(subject.said, ["resource.sample"]);
  await end();
});

test("a round lets others have their turn", async () => {
  const sampler = new Sampler(never, true);
  const ends = Array.from({ length: 20 }, () => {
    const subject = new Subject();
    const end = sampler.begin(subject, subject.say);
    subject.read = () => {
      const until = performance.now() + 1;
      while (performance.now() < until);
      return 0;
    };
    return end;
  });
  let turns = 0;
  let isDone = false;
  // As of an interval of 0 no sandbox is too fresh.
  const round = sampler.run().then(() => {
    isDone = true;
  });
  while (!isDone) {
    turns++;
    await nextTurn();
  }
  await round;
  assert.ok(turns >= 5, `${turns} turns`);
  await Promise.all(ends.map((end) => end()));
});

test("a sandbox that cannot be read is as it was, and its costs are told none the less", async (context) => {
  context.mock.method(process, "emitWarning", () => {});
  const subject = new Subject();
  subject.read = () => 10;
  const end = new Sampler(never, true).begin(subject, subject.say);
  subject.read = () => {
    throw new Error("ENODEV");
  };
  await end();
  assert.deepEqual(subject.said, ["resource.sample", "resource.sample", "cost.runtime"]);
  assert.deepEqual(subject.costs[0]?.cpuMs, 0);
});

test("a sample for which there is no room is lost alone: the end comes when its cost is recorded", async () => {
  const subject = new Subject();
  const room = Promise.withResolvers<void>();
  subject.refuse = async (type) => {
    if (type === "resource.sample") throw new Error("the disk is full");
    await room.promise;
  };
  const end = new Sampler(never, true).begin(subject, subject.say);
  let isOver = false;
  const ending = end().then(() => {
    isOver = true;
  });
  await nextTurn();
  assert.equal(isOver, false);
  room.resolve();
  await ending;
  assert.deepEqual(subject.said, ["cost.runtime"]);
});
