import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { callHttp, jsonLines, until } from "@sandglass/testkit";
import type { Sandbox } from "sandglass";
import { AttackedDaemon } from "./attacked-daemon.ts";
import { collectorPid } from "./collector-process.ts";

const SECONDS = "2";
/** What a neighbour's command may take beside a sandbox that sends, over what it takes beside one that computes as hard as it can. */
const MAX_SLOWER = 5;
const RUNS = 9;
const ROUNDS = 3;

describe("a sandbox that sends as fast as it can", () => {
  let victim: AttackedDaemon;
  before(async () => {
    victim = await AttackedDaemon.start();
  });
  after(() => victim?.[Symbol.asyncDispose]());

  for (const [what, limit] of [
    ["small", undefined],
    ["large", "rate_limited"],
    ["json", "rate_limited"],
    ["malformed", "malformed"],
    ["empty", undefined],
    ["nowhere", "unsupported"],
    ["grpc", undefined],
    ["metrics", undefined],
    ["model calls", undefined],
  ] as const) {
    test(`takes nothing from its neighbour: ${what}`, async (t) => {
      const { report, refused, neighbour, peakBytes } = await victim.withstands(() =>
        victim.attackAnew("rate.py", what, SECONDS),
      );
      if (limit !== undefined) assert.ok((refused[limit] ?? 0) > 0, JSON.stringify(refused));
      const peakMiB = Math.round(peakBytes / 1024 / 1024);
      t.diagnostic(JSON.stringify({ answers: report, refused, slowestMs: neighbour.slowestMs, peakMiB }));
    });
  }

  test("has no more series of metrics than it may, and is told so", async () => {
    const rejected =
      /^sandglass_receiver_rejected_items_total\{reason="metric_streams",transport="http"\} (\d+)/m;
    const { text } = await callHttp(victim.daemon, "GET /metrics");
    assert.ok(Number(rejected.exec(text)?.[1]) > 0);
  });

  test("does not fill the record with what is derived of it", async () => {
    const { text } = await callHttp(victim.daemon, "GET /v1/events?types=cost.llm");
    const events = jsonLines(text);
    assert.ok(events.length > 0);
    for (const { data, sandboxId } of events) {
      assert.equal(data.origin, "sandbox");
      assert.notEqual(sandboxId, victim.neighbour.id);
    }
  });

  test("costs a neighbour's command no more than one that computes as hard as it can", async (t) => {
    const computing: number[] = [];
    const sending: number[] = [];
    const busy = "import os\nfor _ in range(3): os.fork()\nwhile True: pass";
    for (let round = 0; round < ROUNDS; round++) {
      computing.push(...(await beside(["python3", "-c", busy])));
      sending.push(...(await beside(["python3", "rate.py", "small", "60"])));
    }
    const [base, meant] = [median(computing), median(sending)];
    t.diagnostic(`${Math.round(base)} ms beside computing, ${Math.round(meant)} ms beside sending`);
    assert.ok(meant < base * MAX_SLOWER, `${meant} ms, and ${base} ms beside a sandbox that computes`);
  });

  test("poisons nobody else's batch with what a backend refuses", async () => {
    const pid = collectorPid(victim.daemon.pid);
    victim.sink.answer = ({ body }) => (body.includes("poison") ? { status: 400 } : undefined);
    await victim.withstands(() => victim.attackAnew("rate.py", "poison", "0.3"));
    victim.sink.answer = () => undefined;
    assert.equal(collectorPid(victim.daemon.pid), pid);
    await until("what was refused is counted", async () => {
      const { text } = await callHttp(victim.daemon, "GET /metrics");
      return /^sandglass_relay_dropped_requests_total\{exporter="otel",reason="rejected"\} [1-9]/m.test(text);
    });
  });

  /** How long commands of the neighbour take while another sandbox does that, in milliseconds. */
  async function beside(command: string[]): Promise<number[]> {
    const attacker: Sandbox = victim.attacker;
    const { promise, resolve } = Promise.withResolvers<string>();
    const stop = new AbortController();
    const running = attacker.commands.run(command, {
      signal: stop.signal,
      onStart: ({ execId }) => resolve(execId),
    });
    running.catch(() => undefined); // it is stopped
    await promise;
    const took: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const startedAt = performance.now();
      await victim.neighbour.commands.run(["true"]);
      took.push(performance.now() - startedAt);
    }
    stop.abort();
    await Promise.allSettled([running]);
    return took;
  }
});

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}
