import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { afterEach, beforeEach, test } from "node:test";
import { promisify } from "node:util";
import { trace } from "@opentelemetry/api";
import { Client } from "../client.ts";
import { answerJson, ScriptedServer, sandboxInfo } from "../scripted-server.ts";
import { providerLoader } from "./enabled.ts";
import { TelemetrySink } from "./testing/telemetry-sink.ts";

let collector: ScriptedServer;
let daemon: ScriptedServer;
const before = { ...process.env };
beforeEach(async () => {
  collector = await ScriptedServer.start((_, response) => answerJson(response, {}));
  daemon = await ScriptedServer.start((_, response) => answerJson(response, sandboxInfo(), 201));
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url;
  process.env.OTEL_EXPORTER_OTLP_PROTOCOL = "http/json";
  process.env.OTEL_SERVICE_NAME = "my-agent";
});
afterEach(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith("OTEL_")) delete process.env[name];
  Object.assign(process.env, before);
  await collector[Symbol.asyncDispose]();
  await daemon[Symbol.asyncDispose]();
});

const clientOf = (options: { sdkOtelEnabled?: boolean } = {}): Client =>
  new Client({ baseUrl: daemon.url, apiKey: "sgk_secret", ...options });

interface SentSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
}

function sentTo(path: string): Record<string, unknown>[] {
  return collector.requests.filter(({ url }) => url === path).map(({ body }) => JSON.parse(body));
}

function sentSpans(): SentSpan[] {
  const requests = sentTo("/v1/traces") as { resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[] }[];
  return requests
    .flatMap(({ resourceSpans }) => resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans);
}

test("with an endpoint in the environment, closing the client sends its spans and durations there, once", async () => {
  const client = clientOf();
  await client.createSandbox();
  assert.equal(collector.requests.length, 0);
  await client.close();
  const [span, ...more] = sentSpans();
  assert.ok(span !== undefined && more.length === 0);
  assert.deepEqual([span.name, span.kind], ["sandglass.sandboxes.create", 3]);
  assert.equal(daemon.requests[0]?.headers.traceparent, `00-${span.traceId}-${span.spanId}-01`);
  const metrics = sentTo("/v1/metrics").map((body) => JSON.stringify(body));
  assert.equal(metrics.length, 1);
  assert.match(metrics[0] ?? "", /"name":"sandglass\.client\.operation\.duration".*"unit":"s"/);
  assert.match(metrics[0] ?? "", /"service\.name","value":\{"stringValue":"my-agent"\}/);
  assert.doesNotMatch(JSON.stringify(collector.requests), /sgk_secret/);
  // Nothing was registered, so nothing of the program's is traced, the exports themselves included.
  assert.equal(trace.getTracer("test").startSpan("x").isRecording(), false);
  assert.ok(collector.requests.every(({ headers }) => headers.traceparent === undefined));
});

test("what is done without a trace of the caller's still hangs together", async () => {
  const client = clientOf();
  const sandbox = await client.createSandbox();
  await sandbox.pause();
  await client.close();
  const [create, pause] = sentSpans();
  // The scripted daemon answers with a trace of its own, which the calls of the sandbox join.
  assert.equal(pause?.traceId, sandbox.traceId);
  assert.equal(pause?.parentSpanId, "00f067aa0ba902b7");
  assert.equal(create?.parentSpanId ?? "", "");
});

test("protobuf is the protocol where none is named", async () => {
  delete process.env.OTEL_EXPORTER_OTLP_PROTOCOL;
  const client = clientOf();
  await client.createSandbox();
  await client.close();
  assert.deepEqual(collector.requests.map(({ url, headers }) => [url, headers["content-type"]]).toSorted(), [
    ["/v1/metrics", "application/x-protobuf"],
    ["/v1/traces", "application/x-protobuf"],
  ]);
});

test("a provider that the program has registered wins, also when it comes later", async () => {
  const client = clientOf({ sdkOtelEnabled: true });
  await client.createSandbox();
  const sink = new TelemetrySink();
  await client.sandboxes.get("x");
  sink[Symbol.dispose]();
  await client.close();
  assert.deepEqual(
    sink.spans.map(({ name }) => name),
    ["sandglass.sandboxes.get"],
  );
  assert.deepEqual(
    sentSpans().map(({ name }) => name),
    ["sandglass.sandboxes.create"],
  );
});

test("clients share one provider: the first that closes leaves it to the others", async () => {
  const [first, second] = [clientOf(), clientOf()];
  await Promise.all([first.createSandbox(), second.createSandbox()]);
  await first.close();
  assert.equal(sentSpans().length, 2);
  await second.createSandbox();
  await second.close();
  assert.equal(sentSpans().length, 3);
  await second.createSandbox();
  assert.equal(daemon.requests.at(-1)?.headers.traceparent, undefined, "a closed client traces no more");
});

test("exporters that are set to none are not brought up", async () => {
  process.env.OTEL_METRICS_EXPORTER = "none";
  const client = clientOf();
  await client.createSandbox();
  await client.close();
  assert.deepEqual(
    collector.requests.map(({ url }) => url),
    ["/v1/traces"],
  );
});

test("a collector that is away holds up neither calls nor the end", async () => {
  await collector[Symbol.asyncDispose]();
  process.env.OTEL_EXPORTER_OTLP_TIMEOUT = "300";
  const client = clientOf();
  assert.equal((await client.createSandbox()).template, "python");
  await client.close();
});

test("the option is above the environment, and OTEL_SDK_DISABLED above both", () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector" };
  const isOn = (explicit: boolean | undefined, env: Record<string, string>): boolean =>
    providerLoader(explicit, env) !== undefined;
  assert.equal(isOn(undefined, {}), false);
  assert.equal(isOn(undefined, endpoint), true);
  assert.equal(isOn(false, endpoint), false);
  assert.equal(isOn(true, {}), true);
  assert.equal(isOn(undefined, { SANDGLASS_SDK_OTEL_ENABLED: "true" }), true);
  assert.equal(isOn(undefined, { ...endpoint, SANDGLASS_SDK_OTEL_ENABLED: "false" }), false);
  assert.equal(isOn(true, { ...endpoint, OTEL_SDK_DISABLED: "true" }), false);
});

test("a program that ends by itself sends what it holds, with no client closed", async () => {
  const script = `
    import { Sandbox } from ${JSON.stringify(import.meta.resolve("../index.ts"))};
    await Sandbox.create({ template: "python", sdkOtelEnabled: true });`;
  const env = { ...process.env, SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: "sgk_1" };
  const args = ["--input-type=module", "--disable-warning=ExperimentalWarning", "-e", script];
  const { stderr } = await promisify(execFile)("node", args, { env });
  assert.equal(stderr, "");
  assert.deepEqual(
    sentSpans().map(({ name }) => name),
    ["sandglass.sandboxes.create"],
  );
  assert.doesNotMatch(daemon.requests[0]?.body ?? "", /sdkOtelEnabled/);
});
