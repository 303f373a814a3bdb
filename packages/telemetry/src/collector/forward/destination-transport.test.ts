import assert from "node:assert/strict";
import { test } from "node:test";
import { GrpcSink } from "../../exporters/otel/testing/grpc-sink.ts";
import { OtlpSink } from "../../exporters/otel/testing/otlp-sink.ts";
import { type DestinationSettings, resolveDestination } from "./destination-settings.ts";
import { DestinationTransport } from "./destination-transport.ts";

const NEVER = new AbortController().signal;
const CONTEXT = { env: {}, cwd: "/", isTrusted: true, ownOrigins: [] };

function settingsOf(env: Record<string, string>): DestinationSettings {
  return resolveDestination(env, CONTEXT);
}

test("an address that is not public is not connected to, whatever was said when the destination was made", async () => {
  await using sink = await OtlpSink.start();
  await using grpc = await GrpcSink.start();
  const url = sink.url.replace("127.0.0.1", "localhost");
  const environments: Record<string, string>[] = [
    { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url },
    { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: grpc.url, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
  ];
  for (const env of environments) {
    const transport = new DestinationTransport({ ...settingsOf(env), publicOnly: true });
    const outcome = await transport.post("traces", Buffer.alloc(0), NEVER);
    assert.equal(outcome.status, "retry");
    assert.match(
      outcome.status === "retry" ? outcome.reason : "",
      /private, loopback|for trusted destinations/,
    );
    transport.close();
  }
  assert.deepEqual([sink.server.connections, grpc.calls.length], [0, 0]);
});

test("what cannot be said in JSON is refused here, and not tried for ever", async () => {
  await using sink = await OtlpSink.start();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" };
  const transport = new DestinationTransport(settingsOf(env));
  const outcome = await transport.post("traces", Buffer.from([0x0a, 0x7f]), NEVER);
  assert.equal(outcome.status, "fail");
  transport.close();
  assert.equal((await transport.post("traces", Buffer.alloc(0), NEVER)).status, "retry");
  assert.equal(sink.server.requests, 0);
});
