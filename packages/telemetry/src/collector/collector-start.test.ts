import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { newSandboxId } from "@sandglass/protocol";
import { OtlpSink } from "../exporters/otel/testing/otlp-sink.ts";
import type { RelayTarget } from "./messages.ts";
import { sendSpan, spanRequest, spansOf } from "./testing/span-request.ts";
import { beginTestCollector, LoopbackSandbox, ownerOf } from "./testing/test-collector.ts";

test("a destination is served that is named while the process is being started, whenever that is", async (t) => {
  await using sink = await OtlpSink.start();
  const options = { provider: "otel", config: { endpoint: sink.url }, startAt: "earliest" };
  const target: RelayTarget = { id: "otel", options, owner: { origin: "config", isTrusted: true } };
  const { collector } = await beginTestCollector(t);
  // From here on it has been told of the destinations that there were.
  while (collector.socketPath === "") await nextTurn();
  await collector.relay([target]);
  await collector.ready();
  const [sandboxId, sandbox] = [newSandboxId(), new LoopbackSandbox()];
  await collector.attach(sandboxId, sandbox.open);
  await collector.claim(sandboxId, ownerOf());
  assert.equal(await sendSpan(sandbox.url, spanRequest("hello")), 200);
  assert.deepEqual(await collector.flush(5_000), { delivered: 1, dropped: 0, pending: 0 });
  assert.deepEqual(
    spansOf(sink.requests).map(({ name }) => name),
    ["hello"],
  );
});
