import assert from "node:assert/strict";
import { test } from "node:test";
import { newSandboxId, type RuntimeEvent } from "@sandglass/protocol";
import { until } from "@sandglass/testkit";
import { OtlpSink } from "../exporters/otel/testing/otlp-sink.ts";
import { sendSpan, spanRequest, spansOf } from "./testing/span-request.ts";
import { LoopbackSandbox, openTestCollector, ownerOf, type TestCollector } from "./testing/test-collector.ts";

const MODEL_CALL = [
  { key: "gen_ai.operation.name", value: { stringValue: "chat" } },
  { key: "gen_ai.request.model", value: { stringValue: "gpt-4o" } },
  { key: "gen_ai.usage.input_tokens", value: { intValue: "1000" } },
];

async function sandboxOf({ collector }: TestCollector, endpoint?: string): Promise<LoopbackSandbox> {
  const [sandboxId, sandbox] = [newSandboxId(), new LoopbackSandbox()];
  await collector.attach(sandboxId, sandbox.open);
  const destination = endpoint && { env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } };
  await collector.claim(sandboxId, ownerOf(destination ? { destination } : {}));
  return sandbox;
}

test("the first sandbox that is forwarded is so from its first span on, whatever the log holds of others and of another life", async (t) => {
  await using theirs = await OtlpSink.start();
  const names = (): string[] => spansOf(theirs.requests).map(({ name }) => name);
  const before = await openTestCollector(t);
  const first = await sandboxOf(before, theirs.url);
  assert.equal(await sendSpan(first.url, spanRequest("of the life before")), 200);
  await until("it is there", () => names().length === 1);
  await before.collector.recovered();
  await before.close();

  const now = await openTestCollector(t, { dataDir: before.dataDir });
  await now.collector.recovered();
  const plain = await sandboxOf(now);
  assert.equal(await sendSpan(plain.url, spanRequest("forwarded to nobody")), 200);
  const forwarded = await sandboxOf(now, theirs.url);
  assert.equal(await sendSpan(forwarded.url, spanRequest("the first of this life")), 200);
  await until("it is there", () => names().includes("the first of this life"));
  assert.ok(!names().includes("forwarded to nobody"));
  assert.deepEqual(now.problems, []);
});

test("what an agent sent right before the end is recorded by the next, and once", async (t) => {
  const before = await openTestCollector(t);
  const sandbox = await sandboxOf(before);
  const body = spanRequest("chat gpt-4o", { attributes: MODEL_CALL });
  assert.equal(await sendSpan(sandbox.url, spanRequest("of no agent")), 200);
  assert.equal(await sendSpan(sandbox.url, body), 200);
  await before.close(0);

  const now = await openTestCollector(t, { dataDir: before.dataDir });
  const next = await sandboxOf(now);
  // Out of the record: the first may be there before anybody can subscribe.
  const costs = async (): Promise<RuntimeEvent[]> => {
    const found: RuntimeEvent[] = [];
    for await (const { event } of now.recorder.read({ filter: { types: ["cost.llm"] } })) {
      if (event !== undefined) found.push(event);
    }
    return found;
  };
  const last = spanRequest("chat gpt-4o", { attributes: MODEL_CALL, spanId: "00f067aa0ba902b8" });
  assert.equal(await sendSpan(next.url, last), 200);
  // The second is behind the first in the log: when it is there, so is all that was to come of the first.
  await until("both are recorded", async () => (await costs()).length >= 2);
  const sandboxIds = (await costs()).map(({ sandboxId }) => sandboxId);
  assert.deepEqual(
    sandboxIds.map((id) => id.slice(0, 4)),
    ["sbx_", "sbx_"],
  );
  assert.equal(new Set(sandboxIds).size, 2);
});
