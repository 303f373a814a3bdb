import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { callHttp, jsonLines, until } from "@sandglass/testkit";
import type { SandboxTelemetry } from "sandglass";
import { runCommand } from "../../packages/cli/src/cli-process.ts";
import { AttackedDaemon } from "./attacked-daemon.ts";

const SPANS = 150;
/** Sends requests with that many spans until some were refused; says how many were taken, and how many were not. */
const FLOOD = `
import json, urllib.error, urllib.request
span = {"traceId": "1" * 32, "spanId": "2" * 16, "name": "s", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span] * ${SPANS}}]}]}).encode()
taken = refused = 0
while taken == 0 or refused < 40:
    request = urllib.request.Request("http://127.0.0.1:4318/v1/traces", body, {"content-type": "application/json"})
    try:
        urllib.request.urlopen(request).close()
        taken += 1
    except urllib.error.HTTPError as error:
        assert error.code == 429, error
        refused += 1
print(taken, refused)
`;

describe("a sandbox that sends more than it may", () => {
  let victim: AttackedDaemon;
  let expected: SandboxTelemetry;
  before(async () => {
    victim = await AttackedDaemon.start({
      SANDGLASS_COLLECTOR_ITEMS_PER_SECOND: "100",
      SANDGLASS_METRICS_INTERVAL_MS: "200",
    });
    const { stdout, stderr } = await victim.attacker.runCode(FLOOD);
    assert.equal(stderr, "");
    const [taken = 0, refused = 0] = stdout.split(" ").map(Number);
    const { client, attacker } = victim;
    await until("all of it is told", async () => {
      const { telemetry } = await client.sandboxes.get(attacker.id);
      return telemetry?.refusedRequests.rate_limited === refused;
    });
    const { telemetry } = await client.sandboxes.get(attacker.id);
    assert.ok(telemetry !== undefined);
    const { acceptedBytes } = telemetry;
    assert.ok(acceptedBytes > taken * SPANS * 100, `${acceptedBytes} bytes`);
    expected = {
      acceptedItems: taken * SPANS,
      acceptedBytes,
      refusedRequests: { rate_limited: refused },
      rejectedItems: {},
    };
    assert.deepEqual(telemetry, expected);
  });
  after(() => victim?.[Symbol.asyncDispose]());

  async function eventsOf(sandboxId: string, type: string): Promise<{ telemetry?: SandboxTelemetry }[]> {
    const { text } = await callHttp(victim.daemon, `GET /v1/events?types=${type}&sandboxId=${sandboxId}`);
    return jsonLines(text).map(({ data }) => data);
  }

  test("is named with what was refused and why, and its neighbour is not", async () => {
    const { telemetry } = await victim.client.sandboxes.get(victim.neighbour.id);
    assert.equal(telemetry, undefined);
    const env = { SANDGLASS_URL: victim.daemon.url, SANDGLASS_API_KEY: victim.daemon.apiKey };
    const { stdout } = await runCommand(["top", "--once"], { env });
    assert.match(stdout, /COST +TELEMETRY REFUSED$/m);
    const { rate_limited: refused } = expected.refusedRequests;
    assert.match(stdout, new RegExp(`^${victim.attacker.id} .* ${refused} rate_limited$`, "m"));
    assert.match(stdout, new RegExp(`^${victim.neighbour.id} .* –$`, "m"));
    const rows = JSON.parse((await runCommand(["top", "--once", "--json"], { env })).stdout);
    const refusals = rows.map((row: { id: string; refusedRequests: object }) => [
      row.id,
      row.refusedRequests,
    ]);
    assert.deepEqual(Object.fromEntries(refusals), {
      [victim.attacker.id]: expected.refusedRequests,
      [victim.neighbour.id]: {},
    });
  });

  test("has it in its samples, of which it makes no more", async () => {
    await until("a sample has it", async () => {
      const last = (await eventsOf(victim.attacker.id, "resource.sample")).at(-1);
      return last?.telemetry !== undefined;
    });
    const samples = await eventsOf(victim.attacker.id, "resource.sample");
    assert.deepEqual(samples.at(-1)?.telemetry, expected);
    const neighbours = await eventsOf(victim.neighbour.id, "resource.sample");
    assert.ok(Math.abs(samples.length - neighbours.length) <= 2, `${samples.length}, ${neighbours.length}`);
    assert.ok(neighbours.every(({ telemetry }) => telemetry === undefined));
    const options = { aggregation: "last", groupBy: "sandglass.sandbox.id" } as const;
    await until("it is a metric over time, of this sandbox alone", async () => {
      const { series } = await victim.client.metrics.series("sandglass.sandbox.telemetry.refused", options);
      assert.deepEqual(
        series.map(({ attributes }) => attributes["sandglass.sandbox.id"]),
        series.map(() => victim.attacker.id),
      );
      return series[0]?.points.at(-1)?.[1] === expected.refusedRequests.rate_limited;
    });
  });

  test("is counted by the Collector's names, in spans where they were read before they were refused", async () => {
    const { text } = await callHttp(victim.daemon, "GET /metrics");
    const value = (name: string): number =>
      Number(new RegExp(`^${name}\\{receiver="otlp",transport="http"\\} (\\d+)$`, "m").exec(text)?.[1]);
    assert.equal(value("otelcol_receiver_accepted_spans_total"), expected.acceptedItems);
    const refused = value("otelcol_receiver_refused_spans_total");
    assert.ok(refused > 0 && refused % SPANS === 0, `${refused} spans`);
    assert.ok(refused <= (expected.refusedRequests.rate_limited ?? 0) * SPANS);
    assert.equal(value("otelcol_receiver_failed_spans_total"), 0);
  });

  test("is known for it when it has ended, also for what it sent last", async () => {
    const { attacker, client } = victim;
    const { stdout } = await attacker.runCode(FLOOD);
    const [taken = 0, refused = 0] = stdout.split(" ").map(Number);
    await attacker.terminate();
    const [ending] = await eventsOf(attacker.id, "sandbox.terminated");
    const { telemetry } = ending ?? {};
    assert.equal(telemetry?.acceptedItems, expected.acceptedItems + taken * SPANS);
    const before = expected.refusedRequests.rate_limited ?? 0;
    assert.deepEqual(telemetry.refusedRequests, { rate_limited: before + refused });
    assert.deepEqual((await client.sandboxes.get(attacker.id)).telemetry, telemetry);
  });
});

test("a backend that is away is seen by the Collector's names: what failed, and a queue below its capacity", async () => {
  await using victim = await AttackedDaemon.start();
  victim.sink.answer = () => ({ status: 503 });
  const program = FLOOD.replace("refused < 40", "taken < 1");
  const { stdout, stderr } = await victim.neighbour.runCode(program);
  assert.equal(stdout, "1 0\n", stderr);
  const read = async (): Promise<(name: string, dataType?: string) => number> => {
    const { text } = await callHttp(victim.daemon, "GET /metrics");
    return (name, dataType) => {
      const labels = dataType === undefined ? "" : `,data_type="${dataType}"`;
      const found = new RegExp(`^otelcol_exporter_${name}\\{exporter="otel"${labels}\\} (\\d+)$`, "m").exec(
        text,
      );
      return Number(found?.[1]);
    };
  };
  await until("it was tried more than once, with events too", async () => {
    const value = await read();
    return value("send_failed_spans_total") > SPANS && value("send_failed_log_records_total") > 0;
  });
  const stalled = await read();
  assert.equal(stalled("send_failed_spans_total") % SPANS, 0);
  assert.equal(stalled("sent_spans_total"), 0);
  for (const queue of ["events", "telemetry"]) {
    const [size, capacity] = [stalled("queue_size", queue), stalled("queue_capacity", queue)];
    assert.ok(size >= 1 && size < capacity, `${queue} ${size} of ${capacity}`);
  }
  victim.sink.answer = () => undefined;
  await callHttp(victim.daemon, "POST /v1/exporters/otel/retry");
  await until("it has them", async () => (await read())("sent_spans_total") === SPANS);
  await until("nothing waits", async () => (await read())("queue_size", "telemetry") === 0);
  assert.equal((await read())("enqueue_failed_spans_total"), 0);
});
