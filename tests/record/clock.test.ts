import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { callHttp, jsonLines, type TestDaemon, until } from "@sandglass/testkit";
import { checkRecord } from "./checker/check-record.ts";
import { FakedClock } from "./fire/faked-clock.ts";
import { FiredDaemon } from "./fire/fired-daemon.ts";

const DAY_S = 86_400;
const MIB = 1024 ** 2;
const ARGS = ["--pool", "python=0"];
const SANDBOX = { template: "bash", memoryMb: 64, diskMb: 64 };

async function create(daemon: TestDaemon, more: object = {}): Promise<string> {
  const answer = await callHttp(daemon, "POST /v1/sandboxes", { json: { ...SANDBOX, ...more } });
  assert.equal(answer.status, 201, answer.text);
  return answer.json.id;
}

// biome-ignore lint/suspicious/noExplicitAny: lines of a stream
async function exec(daemon: TestDaemon, sandboxId: string, json: object): Promise<any> {
  const { text } = await callHttp(daemon, `POST /v1/sandboxes/${sandboxId}/exec`, { json });
  const exit = jsonLines(text).at(-1);
  assert.equal(exit.type, "exit", text);
  return exit;
}

test("a clock that is set a year ahead, and back by two: order, numbers, durations and limits stay right", async () => {
  using clock = new FakedClock();
  await using fired = await FiredDaemon.prepare({ args: ARGS, env: clock.env });
  const daemon = await fired.start();
  const ids: string[] = [];
  for (const aheadSeconds of [0, 365 * DAY_S, -365 * DAY_S, 0]) {
    clock.set(aheadSeconds);
    // Idle for five minutes would be its end, had the clock a say in it.
    const sandboxId = await create(daemon, {
      timeoutMs: 300_000,
      idleTimeoutMs: 300_000,
      onIdle: "terminate",
    });
    ids.push(sandboxId);
    const running = exec(daemon, sandboxId, { command: "sleep 0.3", timeoutMs: 20_000 });
    clock.set(aheadSeconds + 30 * DAY_S);
    const exit = await running;
    assert.deepEqual([exit.cause, exit.code], ["exited", 0]);
    assert.ok(exit.durationMs > 250 && exit.durationMs < 30_000, `${exit.durationMs} ms`);
    clock.set(aheadSeconds - 30 * DAY_S);
    const limited = await exec(daemon, sandboxId, { command: "sleep 1000", timeoutMs: 200 });
    assert.equal(limited.cause, "timed_out");
    assert.ok(limited.durationMs >= 190 && limited.durationMs < 30_000, `${limited.durationMs} ms`);
  }
  for (const id of ids) {
    const { json } = await callHttp(daemon, `GET /v1/sandboxes/${id}`);
    assert.equal(json.state, "running");
    const execs = await callHttp(daemon, `GET /v1/sandboxes/${id}/execs`);
    assert.equal(execs.json.items.length, 2, "found, whatever the time in its id");
    assert.equal((await callHttp(daemon, `DELETE /v1/sandboxes/${id}`)).status, 204);
  }
  const lines = jsonLines((await callHttp(daemon, "GET /v1/events")).text);
  const eventIds = lines.map(({ id }) => id);
  assert.deepEqual(eventIds, eventIds.toSorted(), "ids of events sort as they happened");
  const years = new Set(lines.map(({ timestamp }) => timestamp.slice(0, 4)));
  assert.ok(years.size >= 3, "the clock was faked, and time outside is what it says");
  for (const { type, data } of lines)
    if (type === "sandbox.terminated") assert.ok(data.lifetimeMs > 0 && data.lifetimeMs < 300_000);
  assert.equal(await fired.stop(), 0);
  assert.deepEqual(checkRecord(fired.dataDir).findings, []);
});

for (const [what, aheadSeconds] of [
  ["an hour later", 3600],
  ["with a clock that was set a year ahead", 365 * DAY_S],
  ["with a clock that was set back by a year", -365 * DAY_S],
] as const)
  test(`what a crash took lasted until its daemon was last seen, also where the next one starts ${what}`, async () => {
    using clock = new FakedClock();
    await using fired = await FiredDaemon.prepare({ args: ARGS, env: clock.env });
    const first = await fired.start();
    const startedMs = performance.now();
    const sandboxId = await create(first);
    const broken = assert.rejects(exec(first, sandboxId, { command: "sleep 1000" }));
    const record = `GET /v1/events?sandboxId=${sandboxId}`;
    await until("it has begun", async () =>
      jsonLines((await callHttp(first, record)).text).some(({ type }) => type === "exec.started"),
    );
    // The last that is recorded of this life.
    await exec(first, sandboxId, { command: "sleep 0.3" });
    const lifeMs = performance.now() - startedMs;
    await fired.kill();
    await broken;
    clock.set(aheadSeconds);
    const second = await fired.start();
    const lines = jsonLines((await callHttp(second, record)).text);
    const endings = lines.filter(({ data }) => data.cause === "host_crash");
    assert.deepEqual(
      endings.map(({ type }) => type),
      ["exec.completed", "sandbox.terminated"],
    );
    const [{ data: ended }, { data: terminated }] = endings;
    assert.ok(ended.durationMs >= 250 && ended.durationMs <= lifeMs, `${ended.durationMs} of ${lifeMs} ms`);
    assert.ok(terminated.lifetimeMs >= ended.durationMs, `${terminated.lifetimeMs} ms`);
    assert.ok(terminated.lifetimeMs <= lifeMs, `${terminated.lifetimeMs} of ${lifeMs} ms`);
    const secondsOf = (timestamp: string): number => Date.parse(timestamp) / 1000;
    const apart = secondsOf(endings[0].timestamp) - secondsOf(lines[0].timestamp);
    assert.ok(Math.abs(apart - aheadSeconds) < 300, `the clock was faked: ${apart} s apart`);
    const execs = await callHttp(second, `GET /v1/sandboxes/${sandboxId}/execs`);
    const told = execs.json.items.find(({ id }: { id: string }) => id === ended.execId);
    assert.equal(told.durationMs, ended.durationMs);
    assert.equal(await fired.stop(), 0);
    assert.deepEqual(checkRecord(fired.dataDir).findings, []);
  });

test("retention by age: a clock that leaps ahead for a while takes nothing of the record", async () => {
  using clock = new FakedClock();
  const args = [
    ...ARGS,
    "--retention-max-age-ms",
    String(7 * DAY_S * 1000),
    "--retention-max-bytes",
    String(MIB),
  ];
  await using fired = await FiredDaemon.prepare({ args, env: clock.env });
  const daemon = await fired.start();
  const sandboxId = await create(daemon);
  const segments = (): number =>
    readdirSync(join(fired.dataDir, "log")).filter((name) => name.endsWith(".seg")).length;
  // Of 128 KiB each.
  const begin = async (): Promise<void> => {
    const before = segments();
    await until("the log has begun another segment", async () => {
      await exec(daemon, sandboxId, { command: `: ${"x".repeat(30_000)}` });
      return segments() > before;
    });
  };
  await begin();
  await begin();
  const { oldest } = await ends(daemon);
  clock.set(365 * DAY_S);
  await begin();
  clock.set(0);
  assert.equal((await ends(daemon)).oldest, oldest);
});

/** The id of the oldest event that is there. */
async function ends(daemon: TestDaemon): Promise<{ oldest: string }> {
  const { text } = await callHttp(daemon, "GET /v1/events?limit=1");
  return { oldest: jsonLines(text)[0].id };
}
