import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { until } from "@sandglass/testkit";
import { attributesByKey } from "./plain-otlp.ts";
import { receivedScopes } from "./received-scopes.ts";
import { INSTALL_TIMEOUT_MS } from "./sandbox-packages.ts";
import { type ArrivedSpan, spansAt, traceTree } from "./span-tree.ts";
import { TracedDaemon } from "./traced-daemon.ts";

const AGENT = new URL("agent.ts", import.meta.url).pathname;
const WHOLE_TRACE = [
  "agent step",
  "  sandglass.execs.run",
  "    http_request",
  "      sandbox.execute",
  "        work",
  "          child",
  "  sandglass.sandboxes.create",
  "    http_request",
  "      sandbox.create",
  "  sandglass.sandboxes.terminate",
  "    http_request",
  "      sandbox.terminate",
];

describe("an agent's own process that sends to the daemon, with its key", () => {
  let world: TracedDaemon;
  /** `host:port` by what the line says that the daemon prints when it is ready. */
  let ports: Record<"otlp_http" | "otlp_grpc", string>;
  before(
    async () => {
      world = await TracedDaemon.start({
        args: ["--otlp-listen", "--otlp-port", "0", "--otlp-grpc-port", "0"],
      });
      const line = world.daemon.logs();
      const portOf = (name: string) => new RegExp(`\\bready\\b.* ${name}=(\\S+)`).exec(line)?.[1] ?? "";
      ports = { otlp_http: portOf("otlp_http"), otlp_grpc: portOf("otlp_grpc") };
      for (const port of Object.values(ports)) assert.match(port, /^127\.0\.0\.1:\d+$/, line);
    },
    { timeout: INSTALL_TIMEOUT_MS },
  );
  after(() => world?.[Symbol.asyncDispose]());

  const WAYS = [
    { name: "at /otlp", protocol: "http/protobuf", url: () => `${world.daemon.url}/otlp` },
    { name: "at /otlp", protocol: "http/json", url: () => `${world.daemon.url}/otlp` },
    { name: "on the port of OTLP/HTTP", protocol: "http/protobuf", url: () => `http://${ports.otlp_http}` },
    { name: "on the port of OTLP/gRPC", protocol: "grpc", url: () => `http://${ports.otlp_grpc}` },
  ] as const;
  for (const [index, { name, protocol, url }] of WAYS.entries()) {
    for (const compression of ["none", "gzip"] as const) {
      test(`${name} in ${protocol}, compression ${compression}, is in one trace with its sandbox`, async () => {
        const { daemon, sink } = world;
        const service = `agent-${index}-${compression}`;
        const { stdout, stderr } = await promisify(execFile)(process.execPath, [AGENT], {
          env: {
            SANDGLASS_URL: daemon.url,
            SANDGLASS_API_KEY: daemon.apiKey,
            OTEL_EXPORTER_OTLP_ENDPOINT: url(),
            OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${daemon.apiKey}`,
            OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
            OTEL_EXPORTER_OTLP_COMPRESSION: compression,
            OTEL_METRICS_EXPORTER: "otlp",
            OTEL_SERVICE_NAME: service,
            OTEL_RESOURCE_ATTRIBUTES: "sandglass.sandbox.id=sbx_forged,sandglass.org.id=forged,team=data",
          },
        });
        assert.equal(stderr, "");
        const [, traceId = "", workId] = /^work (\S+) (\S+)$/m.exec(stdout) ?? [];
        await until("the whole trace is there", () => {
          const ofTrace = spansAt(sink).filter((span) => span.traceId === traceId);
          return ofTrace.length >= WHOLE_TRACE.length;
        });
        await world.delivered();
        const spans = spansAt(sink);
        assert.deepEqual(traceTree(spans, traceId), WHOLE_TRACE);
        const of = (wanted: string): ArrivedSpan =>
          spans.find((span) => span.traceId === traceId && span.name === wanted)!;
        assert.equal(of("work").spanId, workId);
        for (const own of ["agent step", "sandglass.execs.run"]) {
          const { resource } = of(own);
          assert.equal(resource["service.name"]?.stringValue, service);
          assert.equal(resource.team?.stringValue, "data");
          assert.equal(resource["sandglass.org.id"]?.stringValue, "default");
          assert.equal(resource["sandglass.sandbox.id"], undefined);
        }
        const metrics = sink.requests
          .filter(({ signal }) => signal === "metrics")
          .flatMap(({ signal, data }) => receivedScopes(signal, data))
          .filter(
            ({ resource }) => attributesByKey(resource.attributes)["service.name"]?.stringValue === service,
          )
          .flatMap(({ items }) => items.map((metric) => metric.name));
        assert.deepEqual(metrics, ["sandglass.client.operation.duration"]);
      });
    }
  }

  test("is refused without one", async () => {
    for (const url of [`${world.daemon.url}/otlp`, `http://${ports.otlp_http}`]) {
      const answer = await fetch(`${url}/v1/traces`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer none" },
        body: "{}",
      });
      assert.equal(answer.status, 401, url);
    }
  });
});
