import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { newSandboxId, type RuntimeEvent } from "@sandglass/protocol";
import { until } from "@sandglass/testkit";
import { OtlpSink } from "../exporters/otel/testing/otlp-sink.ts";
import type { RelayTarget } from "./messages.ts";
import { sendSpan, spanRequest, spansOf } from "./testing/span-request.ts";
import { collectorPids, KEY, LoopbackSandbox, openTestCollector, ownerOf } from "./testing/test-collector.ts";

function targetOf(url: string): RelayTarget {
  const options = { provider: "otel", config: { endpoint: url }, startAt: "earliest" };
  return { id: "otel", options, owner: { origin: "config", isTrusted: true } };
}

test("what a sandbox sends is refused before it is claimed, and stamped and passed on from then on", async (t) => {
  await using sink = await OtlpSink.start();
  const { collector, problems } = await openTestCollector(t);
  await collector.relay([targetOf(sink.url)]);
  const [sandboxId, sandbox] = [newSandboxId(), new LoopbackSandbox()];
  await collector.attach(sandboxId, sandbox.open);
  assert.equal(await sendSpan(sandbox.url, spanRequest("too early")), 503);
  await collector.claim(sandboxId, ownerOf());
  const forged = [{ key: "sandglass.org.id", value: { stringValue: "forged" } }];
  assert.equal(await sendSpan(sandbox.url, spanRequest("hello", { resource: forged })), 200);
  assert.deepEqual(await collector.flush(5_000), { delivered: 1, dropped: 0, pending: 0 });
  assert.deepEqual(spansOf(sink.requests), [
    {
      name: "hello",
      spanId: "00f067aa0ba902b7",
      resource: {
        "sandglass.sandbox.id": sandboxId,
        "sandglass.org.id": "acme",
        "sandglass.template.id": "python",
        "sandglass.run.id": "run_1",
        "service.instance.id": sandboxId,
        "container.id": sandboxId,
      },
    },
  ]);
  const { received, relays } = await until("it is counted", () => {
    const snapshot = collector.snapshot();
    return snapshot.relays[0]?.counts.delivered === 1 && snapshot;
  });
  assert.equal(received.http.spans, 1);
  assert.deepEqual(received.http.refused, { not_ready: 1 });
  assert.equal(relays[0]?.id, "otel");
  assert.deepEqual(problems, []);
});

test("a request that its sender did not live to see answered is kept", async (t) => {
  await using sink = await OtlpSink.start();
  const { collector } = await openTestCollector(t);
  await collector.relay([targetOf(sink.url)]);
  const [sandboxId, sandbox] = [newSandboxId(), new LoopbackSandbox()];
  await collector.attach(sandboxId, sandbox.open);
  await collector.claim(sandboxId, ownerOf());
  const body = spanRequest("last words");
  const socket = connect(sandbox.httpPort, "127.0.0.1");
  const head = `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: ${body.length}\r\n\r\n`;
  await new Promise<void>((resolve) => socket.end(Buffer.concat([Buffer.from(head), body]), resolve));
  await collector.detach(sandboxId);
  await collector.flush(5_000);
  assert.deepEqual(
    spansOf(sink.requests).map(({ name }) => name),
    ["last words"],
  );
  await assert.rejects(sendSpan(sandbox.url, spanRequest("from nowhere")));
});

test("a collector that is killed is started again, serves the same sandboxes, and lost nothing that it had accepted", async (t) => {
  await using sink = await OtlpSink.start();
  const { collector, problems } = await openTestCollector(t);
  await collector.relay([targetOf(sink.url)]);
  const [sandboxId, sandbox] = [newSandboxId(), new LoopbackSandbox()];
  await collector.attach(sandboxId, sandbox.open);
  await collector.claim(sandboxId, ownerOf());
  sink.answer = () => ({ status: 503 });
  assert.equal(await sendSpan(sandbox.url, spanRequest("before")), 200);
  await until("it is counted", () => collector.snapshot().received.http.spans === 1);
  for (const pid of collectorPids()) process.kill(pid, "SIGKILL");
  await until(
    "it serves again",
    async () => (await sendSpan(sandbox.url, spanRequest("after")).catch(() => 0)) === 200,
  );
  sink.answer = () => undefined;
  assert.equal((await collector.flush(10_000)).pending, 0);
  const names = spansOf(sink.requests).map(({ name }) => name);
  assert.deepEqual([...new Set(names)].sort(), ["after", "before"]);
  assert.match(problems.join("\n"), /collector's process ended \(SIGKILL\) and is started again/);
  const { received, restarts, isUp } = await until("both are counted", () => {
    const snapshot = collector.snapshot();
    return snapshot.received.http.spans >= 2 && snapshot;
  });
  assert.deepEqual([received.http.requests, restarts, isUp], [2, 1, true]);
  const fresh = newSandboxId();
  await collector.attach(fresh, new LoopbackSandbox().open);
  await collector.claim(fresh, ownerOf());
});

test("programs with a key send over the daemon's socket and over ports of its own, and nobody else does", async (t) => {
  const listen = { host: "127.0.0.1", httpPort: 0, grpcPort: 0 };
  const { collector } = await openTestCollector(t, { listen });
  const url = `http://${collector.listening?.http}`;
  assert.equal(await sendSpan(url, spanRequest("x"), { authorization: KEY }), 200);
  assert.equal(await sendSpan(url, spanRequest("x"), { authorization: "Bearer sg_other" }), 401);
  assert.equal(await sendSpan(url, spanRequest("x")), 401);
  assert.ok(existsSync(collector.socketPath));
  const { received } = await until("it is counted", () => {
    const snapshot = collector.snapshot();
    return snapshot.received.http.spans === 1 && snapshot;
  });
  assert.equal(received.http.requests, 1);
});

test("a model call in an agent's telemetry is recorded as an event, with its cost and where it came from", async (t) => {
  const { collector, recorder } = await openTestCollector(t);
  const events: RuntimeEvent[] = [];
  recorder.subscribe((event) => events.push(event));
  const [sandboxId, sandbox] = [newSandboxId(), new LoopbackSandbox()];
  await collector.attach(sandboxId, sandbox.open);
  await collector.claim(sandboxId, ownerOf());
  const attributes = [
    { key: "gen_ai.operation.name", value: { stringValue: "chat" } },
    { key: "gen_ai.request.model", value: { stringValue: "gpt-4o" } },
    { key: "gen_ai.usage.input_tokens", value: { intValue: "1000" } },
    { key: "gen_ai.usage.output_tokens", value: { intValue: "200" } },
  ];
  assert.equal(await sendSpan(sandbox.url, spanRequest("chat gpt-4o", { attributes })), 200);
  const cost = await until("it is recorded", () => events.find(({ type }) => type === "cost.llm"));
  const { orgId, runId, traceId, data } = cost;
  assert.deepEqual(
    { orgId, sandboxId: cost.sandboxId, runId, traceId },
    { orgId: "acme", sandboxId, runId: "run_1", traceId: "4bf92f3577b34da6a3ce929d0e0e4736" },
  );
  assert.deepEqual(data, {
    model: "gpt-4o",
    inputTokens: 1000,
    outputTokens: 200,
    costUsd: 0.0045,
    priced: "table",
    origin: "sandbox",
  });
});

test("an owner's own endpoint gets what the sandbox sends and what the host knows of it, and is forgotten with its end", async (t) => {
  await using theirs = await OtlpSink.start();
  await using ours = await OtlpSink.start();
  const { collector, recorder, dataDir } = await openTestCollector(t);
  await collector.relay([targetOf(ours.url)]);
  await collector.recovered();
  const [sandboxId, sandbox] = [newSandboxId(), new LoopbackSandbox()];
  await collector.attach(sandboxId, sandbox.open);
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: theirs.url, OTEL_EXPORTER_OTLP_HEADERS: "api-key=s3cret" };
  await collector.claim(sandboxId, ownerOf({ destination: { env } }));
  const files = (): string[] =>
    readdirSync(join(dataDir, "otel-destinations")).filter((name) => name.startsWith("dst_"));
  assert.equal(files().length, 1);
  const place = {
    orgId: "acme",
    sandboxId,
    runId: "run_1",
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    level: "info",
  } as const;
  const span = { spanId: "b7ad6b7169203331", parentSpanId: "" };
  const size = { vcpu: 1, memoryMb: 256, diskMb: 512 };
  const data = {
    template: "python",
    source: "pool",
    isolation: "bubblewrap",
    durationMs: 2,
    ...size,
  } as const;
  await recorder.emit({ ...place, ...span, type: "sandbox.created", data });
  assert.equal(await sendSpan(sandbox.url, spanRequest("inside")), 200);
  await collector.detach(sandboxId);
  const end = { cause: "user", lifetimeMs: 5, durationMs: 1, execs: 0, cpuMs: 1 } as const;
  await recorder.emit({
    ...place,
    spanId: "b7ad6b7169203332",
    parentSpanId: "b7ad6b7169203331",
    type: "sandbox.terminated",
    data: end,
  });
  const names = (): string[] => spansOf(theirs.requests).map(({ name }) => name);
  await until("all of it is there", () =>
    ["inside", "sandbox.create", "sandbox.terminate"].every((name) => names().includes(name)),
  );
  assert.equal(theirs.requests[0]?.headers["api-key"], "s3cret");
  assert.deepEqual(
    spansOf(theirs.requests).map(({ resource }) => resource["sandglass.sandbox.id"]),
    names().map(() => sandboxId),
  );
  assert.deepEqual(
    spansOf(ours.requests).map(({ name }) => name),
    ["inside"],
  );
  await until("its file is gone", () => files().length === 0);
});

test("a destination that cannot be is refused with what is wrong with it, and the sandbox can be claimed without", async (t) => {
  const { collector } = await openTestCollector(t);
  const [sandboxId, sandbox] = [newSandboxId(), new LoopbackSandbox()];
  await collector.attach(sandboxId, sandbox.open);
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://10.0.0.1:4318" };
  await assert.rejects(collector.claim(sandboxId, ownerOf({ destination: { env }, isTrusted: false })), {
    code: "INVALID_REQUEST",
    message: /OTEL_EXPORTER_OTLP_ENDPOINT/,
  });
  await collector.claim(sandboxId, ownerOf());
  assert.equal(await sendSpan(sandbox.url, spanRequest("x")), 200);
});
