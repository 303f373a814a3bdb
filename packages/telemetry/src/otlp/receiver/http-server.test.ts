import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { encodeLogs } from "../encode-logs.ts";
import { encodeMetrics } from "../encode-metrics.ts";
import { encodeTraces } from "../encode-traces.ts";
import { readExportResponse } from "../export-response.ts";
import { logsFromJson, metricsFromJson, tracesFromJson } from "../from-json.ts";
import { logsFromProtobuf, metricsFromProtobuf, tracesFromProtobuf } from "../from-protobuf.ts";
import type { Signal } from "../model.ts";
import { decodeAttributes } from "../relay/testing/decode-resources.ts";
import { attribute, concat, entry, number, resource, scopeSpans, sized } from "../relay/testing/forge.ts";
import { readRpcStatus } from "../rpc-status.ts";
import { tenantNamed } from "./testing/grpc-harness.ts";
import { type Answer, call, HttpHarness } from "./testing/http-harness.ts";
import { spanBatch } from "./testing/span-batch.ts";

const JSON_TYPE = { "content-type": "application/json" };
const EXAMPLES: [file: string, signal: Signal][] = [
  ["trace.json", "traces"],
  ["logs.json", "logs"],
  ["metrics.json", "metrics"],
];
const ENCODED = {
  traces: (json: unknown) => encodeTraces(tracesFromJson(json)),
  logs: (json: unknown) => encodeLogs(logsFromJson(json)),
  metrics: (json: unknown) => encodeMetrics(metricsFromJson(json)),
};
const READ = { traces: tracesFromProtobuf, logs: logsFromProtobuf, metrics: metricsFromProtobuf };

function example(file: string): Buffer {
  return readFileSync(join(import.meta.dirname, "../fixtures", file));
}

/** The message of the status in an error's body. */
function messageOf({ headers, body }: Answer): string {
  const isJson = headers["content-type"] === "application/json";
  return isJson ? JSON.parse(body.toString()).message : readRpcStatus(body).message;
}

test("every signal is taken in protobuf and in JSON, plain and with gzip, and answered in its own type", async () => {
  await using harness = new HttpHarness();
  const tenant = tenantNamed("sbx_a");
  const port = await harness.listen(tenant);
  for (const [file, signal] of EXAMPLES) {
    const json = example(file);
    const protobuf = ENCODED[signal](JSON.parse(json.toString()));
    for (const [type, body] of [
      ["application/x-protobuf", protobuf],
      ["application/json", json],
      ["Application/JSON; charset=UTF-8", json],
    ] as const) {
      for (const coding of ["identity", "gzip", "GZIP"]) {
        const headers = { "content-type": type, "content-encoding": coding };
        const sent = coding === "identity" ? body : gzipSync(body);
        const answer = await call(port, { path: `/v1/${signal}?from=test`, headers, body: sent });
        assert.equal(answer.status, 200);
        const isJson = /json/i.test(type);
        assert.equal(answer.headers["content-type"], isJson ? "application/json" : "application/x-protobuf");
        assert.equal(answer.body.toString(), isJson ? "{}" : "");
        assert.equal(readExportResponse(isJson ? Buffer.alloc(0) : answer.body), undefined);
        const kept = harness.sink.requests.pop()!;
        assert.equal(kept.signal, signal);
        const [expected, read] = [READ[signal](protobuf), READ[signal](kept.bytes)];
        assert.deepEqual(withoutStamp(read), expected);
      }
    }
  }
  assert.equal(harness.intake.heldBytes, 0);
  const { requests, spans, logRecords, dataPoints } = harness.intake.counts("sbx_a");
  assert.deepEqual(
    { requests, spans, logRecords, dataPoints },
    { requests: 27, spans: 9, logRecords: 9, dataPoints: 36 },
  );
});

/** Without the host's attribute, which is in front of the others. */
function withoutStamp(data: unknown): unknown {
  for (const entries of Object.values(
    data as Record<string, { resource: { attributes: { key: string }[] } }[]>,
  )) {
    for (const { resource } of entries)
      assert.equal(resource.attributes.shift()?.key, "sandglass.sandbox.id");
  }
  return data;
}

test("a request with nothing in it is taken, and not kept", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  const empty = entry(resource(attribute("service.name", "idle")));
  for (const body of [new Uint8Array(), empty]) assert.equal((await call(port, { body })).status, 200);
  assert.equal((await call(port, { headers: JSON_TYPE, body: "{}" })).body.toString(), "{}");
  const counts = harness.intake.counts("sbx_a");
  assert.equal(counts.requests, 3);
  assert.deepEqual(counts.refused, {});
  assert.deepEqual(harness.sink.requests, []);
});

test("what is not for it is refused with the status that says why, in a type that its sender can read", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  const body = spanBatch(1);
  const cases: [status: number, sent: Parameters<typeof call>[1], type?: string][] = [
    [404, { path: "/" }],
    [404, { path: "/v1/traces/" }],
    [404, { path: "/v1/profiles", headers: JSON_TYPE }, "application/json"],
    [405, { method: "GET", body: "" }],
    [405, { method: "OPTIONS", body: "" }],
    [405, { method: "PUT", headers: JSON_TYPE }, "application/json"],
    [403, { headers: { origin: "http://localhost:3000" } }],
    [415, { headers: { "content-type": "text/plain" } }, "application/json"],
    [415, { headers: { "content-type": "application/grpc" } }, "application/json"],
    [415, { headers: { "content-encoding": "deflate" } }],
    [415, { headers: { "content-encoding": "gzip, gzip" } }],
    [400, { body: "no protobuf" }],
    [400, { headers: JSON_TYPE, body: '{"resourceSpans":' }, "application/json"],
    [400, { headers: JSON_TYPE, body: '{"resourceSpans":{}}' }, "application/json"],
    [400, { headers: { "content-encoding": "gzip" } }],
  ];
  for (const [status, sent, type = "application/x-protobuf"] of cases) {
    const answer = await call(port, { body, ...sent });
    assert.deepEqual([answer.status, answer.headers["content-type"]], [status, type], JSON.stringify(sent));
    assert.notEqual(messageOf(answer), "");
    assert.equal(answer.headers.allow, status === 405 ? "POST" : undefined);
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
  }
  const { refused } = harness.intake.counts("sbx_a");
  assert.deepEqual(refused, { unsupported: 11, malformed: 4 });
  assert.deepEqual(harness.sink.requests, []);
});

test("a path may have a query, and the host in front that proxies are sent", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  for (const path of ["/v1/traces?a=/b", "http://localhost:4318/v1/traces", "HTTP://a/v1/traces?b"]) {
    assert.equal((await call(port, { path, body: spanBatch(1) })).status, 200);
  }
});

test("a request without a content type is refused like one of an unknown type", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  const connection = await harness.connect(port);
  connection.write("POST /v1/traces HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
  await connection.closed;
  assert.deepEqual(connection.statuses, [415]);
});

test("who it belongs to tells the connection: identity from inside is removed, the rest stays to the last byte", async () => {
  await using harness = new HttpHarness();
  const [a, b] = [tenantNamed("sbx_a"), tenantNamed("sbx_b")];
  const port = await harness.listen(a);
  await harness.listen(b);
  const unknown = concat(sized(99, "unknown"), number(98, 2n ** 64n - 1n));
  const spans = concat(scopeSpans(2), unknown);
  const forged = resource(attribute("sandglass.sandbox.id", "sbx_b"), attribute("service.name", "worker"));
  const second = resource(attribute("sandglass.sandbox.id", "sbx_b"), attribute("sandglass.org.id", "org_b"));
  const headers = { "x-sandglass-sandbox": "sbx_b", host: "sbx_b" };
  const answer = await call(port, { headers, body: concat(entry(forged, spans, second), unknown) });
  assert.equal(answer.status, 200);
  const [kept] = harness.sink.requests;
  assert.equal(kept?.tenantId, "sbx_a");
  const stamped = resource(attribute("sandglass.sandbox.id", "sbx_a"), attribute("service.name", "worker"));
  assert.deepEqual(kept.bytes, concat(entry(stamped, spans), unknown));
  assert.equal(decodeAttributes("traces", kept.bytes)[0]?.length, 2);
});

test("integers beyond 2^53 in JSON are kept to the last digit", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  const span = `{"name":"s","startTimeUnixNano":1776510028036000001,"endTimeUnixNano":"18446744073709551615",
    "attributes":[{"key":"n","value":{"intValue":9007199254740993}},{"key":"m","value":{"intValue":"-9223372036854775808"}}]}`;
  const body = `{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`;
  assert.equal((await call(port, { headers: JSON_TYPE, body })).status, 200);
  const data = tracesFromProtobuf(harness.sink.requests[0]!.bytes);
  const [kept] = data.resourceSpans![0]!.scopeSpans![0]!.spans!;
  assert.equal(kept?.startTimeUnixNano, "1776510028036000001");
  assert.equal(kept.endTimeUnixNano, "18446744073709551615");
  assert.deepEqual(
    kept.attributes?.map(({ value }) => value),
    [{ intValue: "9007199254740993" }, { intValue: "-9223372036854775808" }],
  );
});
