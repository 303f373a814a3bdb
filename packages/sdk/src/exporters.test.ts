import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ExporterSpec,
  FlushRequest,
  PageQuery,
  parseRequest,
  RemoveExporterQuery,
} from "@sandglass/protocol/schemas";
import { Client } from "./client.ts";
import { SandglassError } from "./errors.ts";
import { answerJson, type Script, ScriptedServer } from "./scripted-server.ts";

const INFO = { id: "audit 1", provider: "jsonl", state: "running" };
const LETTER = { deadAt: "2026-06-02T10:00:00.000Z", reason: "too long", event: { id: "evt_1" } };
const SPEC = { id: "audit 1", provider: "jsonl", config: { filePath: "events.jsonl" } };

const daemon: Script = (request, response) => {
  if (request.method === "DELETE") return void response.writeHead(204).end();
  if (request.url === "/v1/exporters/flush")
    return answerJson(response, { delivered: 1, dropped: 0, pending: 2 });
  if (request.url?.includes("/dead-letters"))
    return answerJson(response, { items: [LETTER], nextCursor: "next" });
  if (request.url === "/v1/exporters" && request.method === "GET")
    return answerJson(response, { items: [INFO] });
  answerJson(response, INFO, request.method === "POST" ? 201 : 200);
};

test("every call says what the protocol knows", async () => {
  await using server = await ScriptedServer.start(daemon);
  const { exporters } = new Client({ baseUrl: server.url, apiKey: "k" });
  assert.deepEqual(await exporters.list(), [INFO]);
  assert.deepEqual(await exporters.get("audit 1"), INFO);
  assert.deepEqual(await exporters.add(SPEC), INFO);
  assert.deepEqual(await exporters.replace("audit 1", SPEC), INFO);
  assert.deepEqual(await exporters.retry("audit 1"), INFO);
  assert.deepEqual(await exporters.deadLetters("audit 1"), { items: [LETTER], nextCursor: "next" });
  await exporters.deadLetters("audit 1", { limit: 5, cursor: "next" });
  assert.deepEqual(await exporters.flush(), { delivered: 1, dropped: 0, pending: 2 });
  await exporters.flush({ ids: ["audit 1"], timeoutMs: 5 });
  await exporters.remove("audit 1");
  await exporters.remove("audit 1", { forget: true });

  assert.deepEqual(
    server.requests.map(({ method, url }) => `${method} ${url}`),
    [
      "GET /v1/exporters",
      "GET /v1/exporters/audit%201",
      "POST /v1/exporters",
      "PUT /v1/exporters/audit%201",
      "POST /v1/exporters/audit%201/retry",
      "GET /v1/exporters/audit%201/dead-letters",
      "GET /v1/exporters/audit%201/dead-letters?limit=5&cursor=next",
      "POST /v1/exporters/flush",
      "POST /v1/exporters/flush",
      "DELETE /v1/exporters/audit%201",
      "DELETE /v1/exporters/audit%201?forget=true",
    ],
  );
  const bodies = server.requests.map(({ body }) => (body === "" ? undefined : JSON.parse(body)));
  const spec = { ...SPEC, id: "audit-1" };
  for (const body of [bodies[2], bodies[3]])
    assert.deepEqual(parseRequest(ExporterSpec, { ...body, id: "audit-1" }), spec);
  assert.deepEqual(parseRequest(FlushRequest, bodies[7]), { timeoutMs: 30_000 });
  assert.deepEqual(parseRequest(FlushRequest, bodies[8]), { ids: ["audit 1"], timeoutMs: 5 });
  assert.deepEqual(parseRequest(PageQuery, { limit: "5", cursor: "next" }), { limit: 5, cursor: "next" });
  assert.deepEqual(parseRequest(RemoveExporterQuery, { forget: "true" }), { forget: true });
});

test("a flush may take longer than other calls, and can be given up", async () => {
  const held: (() => void)[] = [];
  await using server = await ScriptedServer.start(
    (_request, response) =>
      void held.push(() => answerJson(response, { delivered: 0, dropped: 0, pending: 0 })),
  );
  const { exporters } = new Client({ baseUrl: server.url, apiKey: "k", requestTimeoutMs: 1 });
  const gone = new AbortController();
  const given = exporters.flush({ signal: gone.signal });
  const kept = exporters.flush();
  while (held.length < 2) await new Promise((resolve) => setImmediate(resolve));
  gone.abort(new Error("enough"));
  await assert.rejects(given, /enough/);
  for (const answer of held) answer();
  assert.equal((await kept).pending, 0);
});

test("an exporter that is not there is an error of the catalogue", async () => {
  const error = { code: "EXPORTER_NOT_FOUND", message: "no exporter x", requestId: "req_1" };
  await using server = await ScriptedServer.start((_request, response) =>
    answerJson(response, { error }, 404),
  );
  const { exporters } = new Client({ baseUrl: server.url, apiKey: "k" });
  await assert.rejects(
    exporters.get("x"),
    (thrown: unknown) => thrown instanceof SandglassError && thrown.code === "EXPORTER_NOT_FOUND",
  );
});
