import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { LogEntry } from "@sandglass/protocol";
import { callHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";

const KEYS = ["first_0123456789abcdef", "second_0123456789abcdef@another"];
const OTHER = "second_0123456789abcdef";
let daemon: TestDaemon;

before(async () => {
  daemon = await startDaemon({ apiKeys: KEYS, args: ["--pool", "python=0"] });
});
after(() => daemon?.stop());

async function send(service: string, body: string, apiKey = KEYS[0]): Promise<void> {
  const attributes = [{ key: "service.name", value: { stringValue: service } }];
  const logRecords = [
    { timeUnixNano: `${Date.now()}000000`, severityNumber: 13, body: { stringValue: body } },
    { timeUnixNano: `${Date.now()}000000`, severityNumber: 9, body: { stringValue: `${body}, quietly` } },
  ];
  const json = { resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords }] }] };
  const options = { json, ...(apiKey !== undefined && { apiKey }) };
  assert.equal((await callHttp(daemon, "POST /otlp/v1/logs", options)).status, 200);
}

/** Follows, and sends until the first line is there: then it is certain that the follower is. */
async function follow(query: string) {
  const gone = new AbortController();
  const response = await fetch(`${daemon.url}/v1/logs/tail?${query}`, {
    headers: { authorization: `Bearer ${KEYS[0]}` },
    signal: gone.signal,
  });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^application\/x-ndjson/);
  const entries: LogEntry[] = [];
  const reading = (async () => {
    let rest = "";
    for await (const text of (response.body as ReadableStream<Uint8Array>).pipeThrough(
      new TextDecoderStream(),
    )) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) entries.push(JSON.parse(line));
    }
  })().catch((error: Error) => {
    if (!gone.signal.aborted) throw error;
  });
  await until("it follows", async () => {
    await send("begin", "needle begins");
    return entries.length > 0;
  });
  const bodies = (): string[] => entries.filter(({ service }) => service !== "begin").map(({ body }) => body);
  const leave = async (): Promise<void> => {
    gone.abort();
    await reading;
  };
  return { entries, bodies, leave };
}

test("log records are told as they come, of one's own organisation, with the ids that the list gives", async () => {
  const { entries, bodies, leave } = await follow("");
  await send("shop", "theirs", OTHER);
  await send("shop", "first");
  await send("shop", "second");
  await until("both have come", () => bodies().length >= 4);
  assert.deepEqual(bodies(), ["first", "first, quietly", "second", "second, quietly"]);
  await until("they are stored", async () => {
    const { json } = await callHttp(daemon, "GET /v1/logs?service=shop");
    return json.items.length === 4;
  });
  const { json } = await callHttp(daemon, "GET /v1/logs?service=shop");
  const told = entries.filter(({ service }) => service === "shop");
  assert.deepEqual(json.items.toReversed(), told);
  await leave();
});

test("followers get what they asked for, each its own", async () => {
  const warnings = await follow("minSeverity=13&text=NEEDLE");
  const words = await follow("search=needle%20-hay");
  await send("barn", "a needle in the hay");
  await send("barn", "hay");
  await send("barn", "another needle");
  await until("the last has come", () => warnings.bodies().length === 2 && words.bodies().length === 2);
  assert.deepEqual(warnings.bodies(), ["a needle in the hay", "another needle"]);
  assert.deepEqual(words.bodies(), ["another needle", "another needle, quietly"]);
  await warnings.leave();
  await send("barn", "one more needle");
  await until("who is left goes on", () => words.bodies().length === 4);
  await words.leave();
});

test("a stop ends those who follow", async () => {
  const { leave } = await follow("");
  await daemon.stop();
  await leave();
});
