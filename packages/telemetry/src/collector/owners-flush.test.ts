import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { newSandboxId } from "@sandglass/protocol";
import { OtlpSink } from "../exporters/otel/testing/otlp-sink.ts";
import { sendSpan, spanRequest, spansOf } from "./testing/span-request.ts";
import { LoopbackSandbox, openTestCollector, ownerOf } from "./testing/test-collector.ts";

test("a flush of everything does not wait for an owner's endpoint that never answers", async (t) => {
  await using ours = await OtlpSink.start();
  const sockets = new Set<Socket>();
  const theirs = createServer((socket) => sockets.add(socket.on("error", () => undefined)));
  await once(theirs.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    theirs.close();
    for (const socket of sockets) socket.destroy();
  });
  const { collector } = await openTestCollector(t);
  const options = { provider: "otel", config: { endpoint: ours.url }, startAt: "earliest" };
  await collector.relay([{ id: "otel", options, owner: { origin: "config", isTrusted: true } }]);
  const [sandboxId, sandbox] = [newSandboxId(), new LoopbackSandbox()];
  await collector.attach(sandboxId, sandbox.open);
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(theirs.address() as AddressInfo).port}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: "3600000",
  };
  await collector.claim(sandboxId, ownerOf({ destination: { env } }));
  assert.equal(await sendSpan(sandbox.url, spanRequest("for both")), 200);
  // An hour, and the test may take two minutes.
  assert.deepEqual(await collector.flush(3_600_000), { delivered: 1, dropped: 0, pending: 1 });
  assert.deepEqual(
    spansOf(ours.requests).map(({ name }) => name),
    ["for both"],
  );
});
