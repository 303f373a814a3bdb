import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { AxiomSink } from "./axiom-sink.ts";

const ndjson = { "content-type": "application/x-ndjson" };
const event = (id: string, more: object = {}) => ({ id, _time: "2026-04-18T14:00:00.120Z", ...more });

test("it takes what Axiom documents: JSON and NDJSON, plain, gzip and zstd", async () => {
  await using sink = await AxiomSink.start();
  const lines = (...ids: string[]) => ids.map((id) => JSON.stringify(event(id))).join("\n");
  const json = { "content-type": "application/json" };
  await taken(post(sink, JSON.stringify([event("a")]), json));
  await taken(post(sink, lines("b", "c"), ndjson), 2);
  await taken(post(sink, gzipSync(lines("d")), { ...ndjson, "content-encoding": "gzip" }));
  await taken(post(sink, zstdCompressSync(lines("e")), { ...ndjson, "content-encoding": "zstd" }));
  await taken(post(sink, lines("a"), ndjson, `/v1/ingest/${sink.dataset}`));
  assert.deepEqual([...sink.events.keys()], ["a", "b", "c", "d", "e"]);
  assert.equal(sink.copies.get("a"), 2);
});

test("it refuses what Axiom refuses", async () => {
  await using sink = await AxiomSink.start({ maxBodyBytes: 100_000 });
  const line = JSON.stringify(event("a"));
  const cases: [status: number, refused: Promise<Response>][] = [
    [400, post(sink, "{", ndjson)],
    [400, post(sink, line, { "content-type": "text/plain" })],
    [400, post(sink, line, { ...ndjson, "content-encoding": "gzip" })],
    [400, post(sink, line, { ...ndjson, "content-encoding": "br" })],
    [401, post(sink, line, { ...ndjson, authorization: "Bearer other" })],
    [404, post(sink, line, ndjson, "/v1/datasets/other/ingest")],
    [404, post(sink, line, ndjson, "/v2")],
    [413, post(sink, "x".repeat(100_001), ndjson)],
    [413, post(sink, "{}\n".repeat(10_001), ndjson)],
  ];
  for (const [status, refused] of cases) assert.equal((await refused).status, status);
  assert.equal(sink.events.size, 0);
});

test("it reports events that cannot be taken, with their times as Go writes them", async () => {
  await using sink = await AxiomSink.start();
  sink.failIds.add("told");
  const bad = [
    event("told"),
    { id: "no time" },
    event("x", { ["n".repeat(201)]: 1 }),
    event("y", { s: "s".repeat(2 ** 20) }),
  ];
  const body = [...bad, 7, event("good")].map((value) => JSON.stringify(value)).join("\n");
  const status = (await (await post(sink, body, ndjson)).json()) as {
    failed: number;
    failures: { timestamp: string }[];
  };
  assert.equal(status.failed, 5);
  assert.equal(status.failures[0]?.timestamp, "2026-04-18T14:00:00.12Z");
  assert.deepEqual([...sink.events.keys()], ["good"]);
});

function post(
  sink: AxiomSink,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
  path = `/v1/datasets/${sink.dataset}/ingest`,
): Promise<Response> {
  const authorization = `Bearer ${sink.token}`;
  return fetch(`${sink.url}${path}`, { method: "POST", body, headers: { authorization, ...headers } });
}

async function taken(answering: Promise<Response>, ingested = 1): Promise<void> {
  const answer = await answering;
  assert.equal(answer.status, 200);
  const { ingested: told, failed } = (await answer.json()) as { ingested: number; failed: number };
  assert.deepEqual({ told, failed }, { told: ingested, failed: 0 });
}
