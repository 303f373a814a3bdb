import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, beforeEach, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { FaultyServer, type SinkAnswer, type SinkRequest, until } from "@sandglass/testkit";
import { openingAttributes } from "../../projections/otel-attributes.ts";
import { projectBatch } from "../../projections/otel-batch.ts";
import { OtelMemory } from "../../projections/otel-memory.ts";
import { serviceResource } from "../../projections/otel-resource.ts";
import { otelEvents } from "../../projections/testing/otel-events.ts";
import { exportOnce, openOtel } from "./testing/open-otel.ts";
import { plainRequest } from "./testing/plain-request.ts";

interface MockServer {
  start(): Promise<void>;
  close(): Promise<void>;
  httpUrl: URL;
  grpcUrl: URL;
}
// Its types need more than it brings along.
const { MockOtlpServer } = createRequire(import.meta.url)("@elastic/mockotlpserver") as {
  MockOtlpServer: new (options: object) => MockServer;
};

type Received = {
  traces: unknown[];
  logs: unknown[];
  metrics: unknown[];
  requests: { headers?: Record<string, string>; metadata?: { get(name: string): unknown[] } }[];
};
const received: Received = { traces: [], logs: [], metrics: [], requests: [] };
let server: MockServer;
let unzipping: FaultyServer;

before(async () => {
  server = new MockOtlpServer({
    logLevel: "warn",
    services: ["http", "grpc"],
    ...{ httpHostname: "127.0.0.1", httpPort: 0, grpcHostname: "127.0.0.1", grpcPort: 0 },
    onTrace: (data: unknown) => received.traces.push(data),
    onLogs: (data: unknown) => received.logs.push(data),
    onMetrics: (data: unknown) => received.metrics.push(data),
    onRequest: (request: never) => received.requests.push(request),
  });
  await server.start();
  unzipping = await FaultyServer.start(forwardUnzipped);
});
after(async () => {
  await unzipping.close();
  await server.close();
});
beforeEach(() => {
  for (const list of Object.values(received)) list.length = 0;
});

/** The mock server reads no compressed bodies over HTTP. */
async function forwardUnzipped({ path, headers, body }: SinkRequest): Promise<SinkAnswer> {
  assert.equal(headers["content-encoding"], "gzip");
  const answer = await fetch(new URL(path, server.httpUrl), {
    method: "POST",
    headers: { "content-type": headers["content-type"]!, "x-team": String(headers["x-team"]) },
    body: gunzipSync(body),
  });
  return { status: answer.status, body: new Uint8Array(await answer.arrayBuffer()) };
}

const events = otelEvents();
const service = { name: "shop", version: "1.2.3", attributes: {} };
const expected = projectBatch(events, () => ({ traces: true, logs: true }), {
  service: serviceResource(service),
  scope: { name: "sandglass", version: "0.1.0" },
  memory: new OtelMemory(openingAttributes),
});

for (const protocol of ["http/protobuf", "http/json", "grpc"] as const) {
  for (const compression of ["none", "gzip"] as const) {
    describe(`${protocol} with compression ${compression}`, () => {
      test("one batch is one request a signal, and the server reads it as what it was", async () => {
        const url =
          protocol === "grpc" ? server.grpcUrl : compression === "gzip" ? unzipping.url : server.httpUrl;
        const config = { endpoint: String(url), protocol, compression, headers: { "x-team": "data" } };
        await using exporter = await openOtel({ ...config, serviceName: "shop", serviceVersion: "1.2.3" });
        assert.deepEqual(await exportOnce(exporter, events), { status: "ok" });
        // The mock server tells of what it took after it has answered.
        const { traces, logs, metrics } = await until("it has told of all three", () =>
          received.traces.length > 0 && received.logs.length > 0 && received.metrics.length > 0
            ? received
            : false,
        );
        assert.deepEqual(
          traces.map((each) => plainRequest(each)),
          [plainRequest(expected.traces)],
        );
        assert.deepEqual(
          withoutEventNames(logs.map((each) => plainRequest(each))),
          withoutEventNames([plainRequest(expected.logs)]),
        );
        assert.match(JSON.stringify(plainRequest(metrics)), /sandglass\.exec\.duration/);
        assert.equal(received.requests.length, 3);
        for (const { headers, metadata } of received.requests) {
          assert.equal(headers?.["x-team"] ?? metadata?.get("x-team")[0], "data");
        }
      });
    });
  }
}

/** The server's `.proto` files are older than that field. */
function withoutEventNames(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data), (key, value) => (key === "eventName" ? undefined : value));
}
