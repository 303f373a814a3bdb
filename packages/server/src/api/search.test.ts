import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { LogEntry } from "@sandglass/protocol";
import { callHttp, jsonLines, startDaemon, type TestDaemon, until } from "@sandglass/testkit";

const KEYS = ["first_0123456789abcdef", "second_0123456789abcdef@another"];
const OTHER = "second_0123456789abcdef";
const TRACE = "ab".repeat(16);
const BODIES = [
  "Connected to the database at 10.0.0.7",
  "Query failed: relation orders does not exist",
  "Retrying the query in 5 s",
  "Ünïcode: Grüße aus Köln",
  "payment declined for order-17",
  'said "quoted words" (NEAR AND OR)',
  "Query succeeded, 3 rows",
];
const BEGIN = Date.now() - 60_000;
let daemon: TestDaemon;
let sandboxId: string;

async function send(service: string, bodies: readonly string[]): Promise<void> {
  const attribute = (key: string, value: object) => ({ key, value });
  const logRecords = bodies.map((body, index) => ({
    timeUnixNano: `${BEGIN + index}000000`,
    severityNumber: 9,
    body: { stringValue: body },
    ...(index === 1 && { traceId: TRACE, spanId: "cd".repeat(8) }),
    attributes: [
      attribute("index", { intValue: String(index) }),
      attribute("even", { boolValue: index % 2 === 0 }),
    ],
  }));
  const resource = { attributes: [attribute("service.name", { stringValue: service })] };
  const json = { resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] };
  assert.equal((await callHttp(daemon, "POST /otlp/v1/logs", { json })).status, 200);
}

async function logs(query: Record<string, string | string[]>, apiKey?: string): Promise<LogEntry[]> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const item of [value].flat()) search.append(name, item);
  }
  const answer = await callHttp(daemon, `GET /v1/logs?${search}`, apiKey === undefined ? {} : { apiKey });
  assert.equal(answer.status, 200, answer.text);
  return answer.json.items;
}

/** Which of the bodies, the oldest first. */
const found = async (search: string): Promise<number[]> =>
  (await logs({ search, service: "shop" })).map(({ body }) => BODIES.indexOf(body)).toSorted((a, b) => a - b);

const events = async (
  query: string,
): Promise<{ cursor: string; type: string; data: { command?: string } }[]> => {
  const answer = await callHttp(daemon, `GET /v1/events?${query}`);
  assert.equal(answer.status, 200, answer.text);
  return jsonLines(answer.text);
};

before(async () => {
  daemon = await startDaemon({ apiKeys: KEYS, args: ["--pool", "python=0"] });
  await send("shop", BODIES);
  await send("mail", ["Query of another service", "sent"]);
  sandboxId = (await callHttp(daemon, "POST /v1/sandboxes")).json.id;
  for (const command of ["echo first marmalade", "echo second marmalade", "echo toast"]) {
    await callHttp(daemon, `POST /v1/sandboxes/${sandboxId}/exec`, { json: { command } });
  }
  await until("all is stored", async () => (await logs({})).length === BODIES.length + 2);
});
after(() => daemon?.stop());

test("log records are found by words, beginnings of words, phrases and what is not in them", async () => {
  assert.deepEqual(await found("query"), [1, 2, 6]);
  assert.deepEqual(await found("QUERY Failed"), [1]);
  assert.deepEqual(await found("quer* -failed"), [2, 6]);
  assert.deepEqual(await found('"the query in"'), [2]);
  assert.deepEqual(await found('"query the"'), []);
  assert.deepEqual(await found("order-17"), [4]);
  assert.deepEqual(await found("order"), [4]);
  assert.deepEqual(await found("10.0.0.7"), [0]);
  assert.deepEqual(await found("grusse koln -declined"), []);
  assert.deepEqual(await found("grüße KÖLN"), [3]);
  assert.deepEqual(await found('-query -"database at"'), [3, 4, 5]);
});

test("nothing that is searched for is syntax", async () => {
  assert.deepEqual(await found("NEAR AND OR"), [5]);
  assert.deepEqual(await found('"quoted words'), [5]);
  const all = BODIES.map((_, index) => index);
  for (const [search, expected] of [
    ['"', all],
    ["*", []],
    ["(", [5]],
    ["-", [4]],
    ["NOT", [1]],
    ["text:query", []],
    ["query^2", []],
    ["{query}", []],
    ["a* b* +", []],
    ["' OR 1=1 --", []],
    ["\u0000", []],
    ["🎉", []],
    ["नमस्ते", []],
    ["a\u0903b \u19b1x -\u0903", []],
    ["x".repeat(500), []],
    ["-query".repeat(80), [0, 3, 4, 5]],
  ] as const) {
    assert.deepEqual(await found(search), expected, search);
  }
});

test("log records are found by attributes, all of them, and by span", async () => {
  const indexes = async (attribute: string[]) =>
    (await logs({ attribute, service: "shop" })).map(({ attributes }) => attributes.index);
  assert.deepEqual(await indexes(["index=3"]), [3]);
  assert.deepEqual(await indexes(["even=true"]), [6, 4, 2, 0]);
  assert.deepEqual(await indexes(["even=true", "index=4"]), [4]);
  assert.deepEqual(await indexes(["even=true", "index=3"]), []);
  assert.equal((await logs({ spanId: "cd".repeat(8), service: "shop" })).length, 1);
});

test("around a record is what its service said before and after it", async () => {
  const [line] = await logs({ search: "declined" });
  const around = await logs({ around: line?.id ?? "", lines: "2" });
  assert.deepEqual(
    around.map(({ body }) => BODIES.indexOf(body)),
    [6, 5, 4, 3, 2],
  );
  assert.deepEqual(await logs({ around: line?.id ?? "" }, OTHER), []);
  assert.deepEqual(await logs({ around: "log_999999" }), []);
});

test("events are found by the words of their texts, the newest or from a cursor on", async () => {
  const all = await events("search=marmalade&types=exec.started");
  assert.deepEqual(
    all.map(({ data }) => data.command),
    ["echo first marmalade", "echo second marmalade"],
  );
  const last = await events("search=marmalade&types=exec.started&last=1");
  assert.deepEqual(last, all.slice(1));
  const behind = await events(`search=marmalade&types=exec.started&after=${all[0]?.cursor}`);
  assert.deepEqual(behind, all.slice(1));
  const [read] = await events("types=exec.started&limit=1");
  assert.deepEqual(all[0], read, "the event as the record has it");
  assert.deepEqual(await events("search=marmalade%20-first%20-second"), []);
  const following = await callHttp(daemon, "GET /v1/events?search=x&follow=true");
  assert.equal(following.json.error.code, "INVALID_REQUEST");
});

test("a trace is found by how long it took, its template and each of its sandboxes", async () => {
  const second = (await callHttp(daemon, "POST /v1/sandboxes")).json.id;
  const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
  for (const id of [sandboxId, second]) {
    await callHttp(daemon, `POST /v1/sandboxes/${id}/exec`, { json: { command: "true" }, headers });
  }
  const traces = async (query: string): Promise<string[]> =>
    (await callHttp(daemon, `GET /v1/traces?${query}`)).json.items.map(
      (trace: { traceId: string }) => trace.traceId,
    );
  assert.deepEqual(
    await traces(`sandboxId=${sandboxId}&since=2000-01-01T00:00:00Z`).then((ids) => ids.includes(TRACE)),
    true,
  );
  assert.deepEqual((await traces(`sandboxId=${second}`)).includes(TRACE), true);
  assert.ok((await traces("template=python")).includes(TRACE));
  assert.deepEqual(await traces("template=node"), []);
  assert.deepEqual(await traces("maxDurationMs=0"), []);
  assert.ok((await traces("minDurationMs=0&maxDurationMs=600000")).includes(TRACE));
});
