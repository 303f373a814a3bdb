import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { newSandboxId } from "@sandglass/protocol";
import { OtlpSink } from "../exporters/otel/testing/otlp-sink.ts";
import { sendSpan, spanRequest, spansOf } from "./testing/span-request.ts";
import { LoopbackSandbox, openTestCollector, ownerOf } from "./testing/test-collector.ts";

const POISON = 400;
const GOOD = 5;

test("a sandbox whose requests the backend refuses costs few attempts, and its neighbour's are all delivered", async (t) => {
  await using sink = await OtlpSink.start();
  // Nothing is passed on before all of it is there.
  sink.answer = () => ({ status: 503 });
  const { collector, dataDir } = await openTestCollector(t);
  const options = { provider: "otel", config: { endpoint: sink.url }, startAt: "earliest" };
  await collector.relay([{ id: "otel", options, owner: { origin: "config", isTrusted: true } }]);
  const [hostile, neighbour] = [new LoopbackSandbox(), new LoopbackSandbox()];
  for (const sandbox of [hostile, neighbour]) {
    const sandboxId = newSandboxId();
    await collector.attach(sandboxId, sandbox.open);
    await collector.claim(sandboxId, ownerOf());
  }
  for (let sent = 0; sent < POISON; sent++) {
    assert.equal(await sendSpan(hostile.url, spanRequest("poison")), 200);
    if (sent % (POISON / GOOD) === 0)
      assert.equal(await sendSpan(neighbour.url, spanRequest(`good-${sent}`)), 200);
  }
  sink.answer = ({ data }) => (JSON.stringify(data).includes("poison") ? { status: 400 } : undefined);
  const triedBefore = sink.paths.length;
  const { pending } = await collector.flush(20_000);
  assert.equal(pending, 0);
  assert.equal(spansOf(sink.requests).length, GOOD);
  const tries = sink.paths.length - triedBefore;
  assert.ok(tries < POISON / 2, `${tries} attempts for ${POISON} requests`);
  const { counts } = collector.snapshot().relays[0]!;
  assert.deepEqual([counts.delivered, counts.dropped.rejected], [GOOD, POISON]);
  const letters = readFileSync(join(dataDir, "dead-letters", "otel.telemetry.jsonl"), "utf8");
  assert.equal(letters.trimEnd().split("\n").length, POISON);
});
