import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { newSandboxId } from "@sandglass/protocol";
import { until } from "@sandglass/testkit";
import { OtlpSink } from "../exporters/otel/testing/otlp-sink.ts";
import { decodeByOracle } from "../otlp/testing/oracle.ts";
import type { OutputLines } from "./output-lines.ts";
import { OutputLogs } from "./output-logs.ts";
import type { TelemetryHead } from "./telemetry-record.ts";
import { collectorPids, LoopbackSandbox, openTestCollector, ownerOf } from "./testing/test-collector.ts";

const NOW = 1_776_510_028_036_000;

function batchOf(texts: readonly string[], more: Partial<OutputLines> = {}): OutputLines {
  return {
    sandboxId: "sbx_1",
    orgId: "acme",
    runId: "run_1",
    template: "python",
    serviceName: "shop",
    execId: "exec_1",
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: "00f067aa0ba902b7",
    traceFlags: 1,
    lines: texts.map((text, index) => ({ stream: "stdout", text, timeMicros: NOW + index })),
    ...more,
  };
}

interface Received {
  resourceLogs: { scopeLogs: { logRecords: { body?: { stringValue?: string } }[] }[] }[];
}

function bodiesIn(data: unknown): string[] {
  return (data as Received).resourceLogs.flatMap(({ scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) => logRecords.map(({ body }) => body?.stringValue ?? "")),
  );
}

/** A log that takes what it is given when it is told to. */
class SlowLog {
  readonly records: { head: TelemetryHead; body: Uint8Array }[] = [];
  readonly problems: string[] = [];
  gate = Promise.withResolvers<void>();
  readonly output: OutputLogs = new OutputLogs({
    append: async (records) => {
      await this.gate.promise;
      this.records.push(...records);
    },
    destinationOf: (sandboxId) => `dst_of_${sandboxId}`,
    onProblem: (message) => this.problems.push(message),
  });

  get bodies(): string[] {
    return this.records.flatMap(({ body }) => bodiesIn(decodeByOracle("logs", Buffer.from(body))));
  }
}

describe("lines on their way into the log of telemetry", () => {
  test("go with whose they are, how many, and where their owner wants them", async () => {
    const log = new SlowLog();
    log.gate.resolve();
    log.output.add(batchOf(["a", "b"], { leftOut: { lines: 1, bytes: 1, timeMicros: NOW } }));
    await log.output.settled("sbx_1");
    const [{ receivedAt, ...head }] = log.records.map((record) => record.head) as [TelemetryHead];
    assert.ok(Math.abs(receivedAt - Date.now()) < 60_000);
    assert.deepEqual(head, {
      signal: "logs",
      origin: "host",
      items: 3,
      orgId: "acme",
      sandboxId: "sbx_1",
      runId: "run_1",
      destinationId: "dst_of_sbx_1",
      isForwardOnly: false,
    });
    assert.deepEqual(log.bodies, ["a", "b", "1 line (1 byte) left out"]);
  });

  test("are held up to 4 MiB of each sandbox, and what is beyond is said when there is room again", async () => {
    const log = new SlowLog();
    const large = ["x".repeat(8_000)];
    for (let count = 0; count < 1_000; count++) log.output.add(batchOf(large));
    log.output.add(batchOf(["of another"], { sandboxId: "sbx_2" }));
    let isSettled = false;
    const settled = log.output.settled("sbx_1").then(() => {
      isSettled = true;
    });
    await new Promise(setImmediate);
    assert.equal(isSettled, false);
    log.gate.resolve();
    await settled;
    const kept = log.bodies.filter((body) => body.length === 8_000).length;
    assert.ok(kept > 400 && kept <= (4 * 1024 * 1024) / 8_000, `${kept} are kept`);
    assert.equal(log.bodies.at(-1), `${1_000 - kept} lines (${(1_000 - kept) * 8_001} bytes) left out`);
    assert.ok(log.bodies.includes("of another"));
    assert.deepEqual(log.output.counts, { told: kept + 1, leftOut: 1_000 - kept });
    assert.deepEqual(log.problems, []);
  });

  test("of all sandboxes together are held up to 32 MiB", () => {
    const log = new SlowLog();
    let taken = 0;
    const output = new OutputLogs({
      append: ([record]) => {
        taken += record?.body.length ?? 0;
        return log.gate.promise;
      },
      destinationOf: () => "",
      onProblem: () => {},
    });
    for (let index = 0; index < 20; index++) {
      for (let count = 0; count < 4; count++)
        output.add(batchOf(["x".repeat(1_000_000)], { sandboxId: `sbx_${index}` }));
    }
    assert.ok(taken > 30 * 1024 * 1024 && taken <= 32 * 1024 * 1024, `${taken} bytes are held`);
  });

  test("that the log refuses are counted, it is said once, and they are told of with what it takes next", async () => {
    const log = new SlowLog();
    log.gate.promise.catch(() => undefined);
    log.gate.reject(new Error("no room"));
    for (let count = 0; count < 3; count++) log.output.add(batchOf(["lost"]));
    await new Promise(setImmediate);
    assert.equal(log.problems.length, 1);
    log.gate = Promise.withResolvers();
    log.gate.resolve();
    log.output.add(batchOf(["kept"]));
    await log.output.settled("sbx_1");
    assert.deepEqual(log.bodies, ["kept", "3 lines (15 bytes) left out"]);
    assert.deepEqual(log.output.counts, { told: 1, leftOut: 3 });
  });

  test("are there after the collector's process was killed, and before the sandbox is let go of", async (t) => {
    await using sink = await OtlpSink.start();
    const { collector } = await openTestCollector(t);
    await collector.relay([
      {
        id: "otel",
        options: { provider: "otel", config: { endpoint: sink.url }, startAt: "earliest" },
        owner: { origin: "config", isTrusted: true },
      },
    ]);
    const sandboxId = newSandboxId();
    await collector.attach(sandboxId, new LoopbackSandbox().open);
    await collector.claim(sandboxId, ownerOf());
    collector.addLines(batchOf(["before"], { sandboxId }));
    for (const pid of collectorPids()) process.kill(pid, "SIGKILL");
    collector.addLines(batchOf(["meanwhile"], { sandboxId }));
    await collector.detach(sandboxId);
    await collector.flush(10_000);
    const bodies = await until("both are delivered", () => {
      const all = sink.requests.flatMap(({ data }) => bodiesIn(data));
      return new Set(all).size === 2 && all;
    });
    // What was on its way to the process that died may have come twice.
    assert.deepEqual([...new Set(bodies)].sort(), ["before", "meanwhile"]);
  });
});
