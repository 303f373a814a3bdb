import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client, type LogEntry, StreamError } from "./index.ts";
import { ScriptedServer } from "./scripted-server.ts";

/** The beginning of a minute that is over, in Unix milliseconds. */
const BEGIN = Math.floor(Date.now() / 60_000 - 3) * 60_000;
const at = (seconds: number): string => `${BEGIN + seconds * 1000}000000`;
const iso = (seconds: number): string => new Date(BEGIN + seconds * 1000).toISOString();

let daemon: TestDaemon;
let client: Client;

before(async () => {
  daemon = await startDaemon({ args: ["--pool", "python=0"] });
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
});
after(async () => {
  await client?.close();
  await daemon?.stop();
});

const attributesOf = (values: Record<string, string>) =>
  Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));
const resourceOf = (service: string) => ({ attributes: attributesOf({ "service.name": service }) });

async function send(signal: "logs" | "metrics" | "traces", json: object): Promise<void> {
  assert.equal((await callHttp(daemon, `POST /otlp/v1/${signal}`, { json })).status, 200);
}

function sendLog(
  service: string,
  text: string,
  attributes: Record<string, string> = {},
  seconds = 0,
): Promise<void> {
  const record = { timeUnixNano: at(seconds), severityNumber: 13, body: { stringValue: text } };
  const scopeLogs = [{ logRecords: [{ ...record, attributes: attributesOf(attributes) }] }];
  return send("logs", { resourceLogs: [{ resource: resourceOf(service), scopeLogs }] });
}

test("log records are told as they come, those alone that were asked for, until the loop is left", async () => {
  let isFollowing = false;
  const attributes = { kind: "a,b", size: "2" };
  const beginning = (async () => {
    while (!isFollowing) await sendLog("barn", "a needle to begin with", attributes);
  })();
  const options = {
    search: "needle* -hay",
    service: "barn",
    minSeverity: 13,
    attribute: ["kind=a,b", "size=2"],
  };
  const seen: string[] = [];
  for await (const line of client.logs.tail(options)) {
    assert.ok(!("missed" in line));
    if (!isFollowing) {
      isFollowing = true;
      await beginning;
      await sendLog("barn", "a needle in the hay", attributes);
      await sendLog("barn", "another needle", { kind: "a,b" });
      await sendLog("barn", "needles, two of them", attributes);
    }
    if (!line.body.includes("begin")) seen.push(line.body);
    if (seen.length > 0) break;
  }
  assert.deepEqual(seen, ["needles, two of them"]);
});

test("aborting ends the following of log records with the signal's reason", async () => {
  await using server = await ScriptedServer.start((_, response) => {
    response.writeHead(200).write(`${JSON.stringify({ timestamp: iso(0), body: "one" })}\n`);
  });
  const controller = new AbortController();
  const reason = new Error("enough");
  const following = new Client({ baseUrl: server.url, apiKey: "k" }).logs.tail({
    signal: controller.signal,
  });
  assert.equal((await following.next()).done, false);
  const next = following.next();
  controller.abort(reason);
  await assert.rejects(next, reason);
});

test("a following of log records that breaks or ends is an error, which says since when to ask for them", async () => {
  const timestamp = "2026-04-18T14:00:00.000000Z";
  await using server = await ScriptedServer.start((_, response, count) => {
    response.writeHead(200);
    const lines = `${JSON.stringify({ timestamp, body: "one" })}\n{"type":"gap","missed":3}\n`;
    if (count === 1) response.write(lines, () => response.destroy());
    else response.end(lines);
  });
  const scripted = new Client({ baseUrl: server.url, apiKey: "k", streamRetries: 3 });
  for (const count of [1, 2]) {
    const seen: (string | number)[] = [];
    await assert.rejects(
      async () => {
        for await (const line of scripted.logs.tail()) seen.push("missed" in line ? line.missed : line.body);
      },
      (error) => error instanceof StreamError && error.hint?.includes(timestamp) === true,
    );
    assert.deepEqual([seen, server.requests.length], [["one", 3], count]);
  }
});

test("log records are found by words and attributes, and with what was said around them", async () => {
  for (let n = 0; n < 5; n++) {
    await sendLog("mill", `grain number ${n}`, { kind: n % 2 === 0 ? "a,b" : "b", n: `${n}` }, n);
  }
  await until("all are stored", async () => (await client.logs.list({ service: "mill" })).items.length === 5);
  const bodies = (items: LogEntry[]): string[] => items.map(({ body }) => body.slice(-1)).toSorted();
  const range = { since: iso(0), until: iso(10) };
  const words = await client.logs.list({ search: "grain -3", attribute: "kind=a,b", ...range });
  assert.deepEqual(bodies(words.items), ["0", "2", "4"]);
  const both = await client.logs.list({ service: "mill", attribute: ["kind=a,b", "n=2"] });
  assert.deepEqual(bodies(both.items), ["2"]);
  const around = await client.logs.list({ around: both.items[0]?.id ?? "", lines: 1 });
  assert.deepEqual(bodies(around.items), ["1", "2", "3"]);
});

test("traces are found by their longest duration, all of several attributes and their template", async () => {
  const span = (id: string, seconds: number, more: Record<string, string>) => ({
    traceId: id.repeat(32),
    spanId: id.repeat(16),
    name: `job ${id}`,
    kind: 1,
    startTimeUnixNano: at(0),
    endTimeUnixNano: at(seconds),
    attributes: attributesOf({ kind: "a,b", ...more }),
  });
  const spans = [span("a", 1, { n: "1" }), span("b", 9, { n: "1" }), span("c", 1, { n: "2" })];
  await send("traces", { resourceSpans: [{ resource: resourceOf("press"), scopeSpans: [{ spans }] }] });
  await until(
    "they are stored",
    async () => (await client.traces.list({ service: "press" })).items.length === 3,
  );
  const wanted = { service: "press", maxDurationMs: 5000, attribute: ["kind=a,b", "n=1"] };
  const { items } = await client.traces.list(wanted);
  assert.deepEqual(
    items.map(({ name }) => name),
    ["job a"],
  );
  assert.deepEqual((await client.traces.list({ ...wanted, template: "bash" })).items, []);
});

test("metrics are listed with what they can be grouped by, and asked for over time, in groups", async () => {
  const point = (region: string, seconds: number, asDouble: number) => ({
    timeUnixNano: at(seconds),
    asDouble,
    attributes: attributesOf({ region }),
  });
  const dataPoints = [
    point("north, upper", 0, 1),
    point("north, upper", 30, 3),
    point("north, upper", 60, 8),
    point("south", 0, 10),
  ];
  const metrics = [{ name: "queue.size", unit: "{item}", description: "Waiting", gauge: { dataPoints } }];
  await send("metrics", { resourceMetrics: [{ resource: resourceOf("shop"), scopeMetrics: [{ metrics }] }] });
  await until("they are stored", async () =>
    (await client.metrics.names()).some(({ name }) => name === "queue.size"),
  );
  const info = (await client.metrics.names()).find(({ name }) => name === "queue.size");
  assert.deepEqual(
    [info?.type, info?.unit, info?.description, info?.points],
    ["gauge", "{item}", "Waiting", 4],
  );
  assert.ok(info?.attributes.includes("region"));

  const range = { since: iso(0), until: iso(120), stepMs: 60_000 };
  const grouped = await client.metrics.series("queue.size", {
    ...range,
    aggregation: "max",
    groupBy: ["region"],
  });
  assert.deepEqual([grouped.type, grouped.aggregation, grouped.stepMs], ["gauge", "max", 60_000]);
  const north = [
    [BEGIN, 3],
    [BEGIN + 60_000, 8],
  ];
  assert.deepEqual(grouped.series, [
    { attributes: { region: "north, upper" }, points: north },
    { attributes: { region: "south" }, points: [[BEGIN, 10]] },
  ]);
  const filtered = await client.metrics.series("queue.size", {
    ...range,
    filter: ["region=north, upper", "service.name=shop"],
  });
  assert.deepEqual(filtered.series[0]?.points[0], [BEGIN, 2], "the average, of this one");
  assert.equal(filtered.series.length, 1);
  const limited = await client.metrics.series("queue.size", { ...range, groupBy: "region", limit: 1 });
  assert.deepEqual([limited.series.length, limited.omittedSeries], [1, 1]);
  assert.deepEqual((await client.metrics.series("no.such")).series, []);
});
