import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import { ScriptedDestination } from "./testing/scripted-destination.ts";
import { openTestDelivery, untilReceived } from "./testing/test-delivery.ts";

test("a time that the destination names is waited for, by all batches", async (t) => {
  const destination = new ScriptedDestination({ concurrency: 3, maxQueueSize: 100 });
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  let refusedAt = 0;
  const early: number[] = [];
  destination.answer = () => {
    const now = performance.now();
    if (refusedAt === 0) {
      refusedAt = now;
      return { status: "retry", reason: "429", afterMs: 300 };
    }
    // Those that were under way when it said so.
    if (now - refusedAt < 295) early.push(now - refusedAt);
    return { status: "ok" };
  };
  await emit(60);
  await untilReceived(destination, 60);
  assert.ok(early.length <= 2, `attempts before the time: ${early}`);
});

test("a retry that someone asks for does not wait, whatever the destination said", async (t) => {
  const destination = new ScriptedDestination();
  destination.answer = () => ({ status: "retry", reason: "429", afterMs: 1e9 });
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  await emit(1);
  await until("it was refused", () => delivery.list()[0]?.failedAttempts === 1);
  destination.answer = () => ({ status: "ok" });
  assert.ok((await delivery.flush({ timeoutMs: 50 })).pending > 0);
  delivery.retry("scripted");
  await untilReceived(destination, 1);
});

test("a later time that the destination names counts for those who wait for an earlier one", async (t) => {
  const destination = new ScriptedDestination({ concurrency: 2, maxQueueSize: 100 });
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  const started = performance.now();
  const first: number[] = [];
  destination.answer = async () => {
    const n = destination.attempts.length;
    if (n === 1) return { status: "retry", reason: "429", afterMs: 100 };
    if (n === 2) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { status: "retry", reason: "429", afterMs: 400 };
    }
    first.push(performance.now() - started);
    return { status: "ok" };
  };
  await delivery.configure([{ provider: "scripted" }]);
  await emit(20);
  await untilReceived(destination, 20);
  assert.ok(
    first.every((ms) => ms >= 440),
    `attempts after ${first}`,
  );
});

test("one that is told to come back much later has stalled, also where it cannot be read from yet", async (t) => {
  const destination = new ScriptedDestination();
  destination.answer = () => ({ status: "retry", reason: "429", afterMs: 3_600_000 });
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  await emit(1);
  await until("it has stalled", () => delivery.list()[0]?.state === "stalled");
});

test("whoever stalled before a restart or a change says so when it works again", async (t) => {
  const destination = new ScriptedDestination();
  destination.answer = () => ({ status: "retry", reason: "down" });
  const first = await openTestDelivery(t, { scripted: destination });
  await first.delivery.configure([{ provider: "scripted" }]);
  await first.emit(1);
  await until("it has stalled", () => first.delivery.list()[0]?.state === "stalled");
  await first.close();
  const second = await openTestDelivery(t, { scripted: destination }, { dataDir: first.dataDir });
  const recovered: number[] = [];
  second.recorder.subscribe((event) => {
    if (event.type === "exporter.recovered") recovered.push(event.data.stalledMs);
  });
  await second.delivery.configure([{ provider: "scripted" }]);
  assert.equal(second.delivery.list()[0]?.state, "stalled");
  destination.answer = () => ({ status: "ok" });
  await untilReceived(destination, 1);
  await until("it says so", () => recovered.length === 1);
  assert.equal(second.delivery.list()[0]?.state, "running");
});
