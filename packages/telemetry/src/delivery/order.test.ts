import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import { newPlace } from "../record/testing/event-inputs.ts";
import { ScriptedDestination } from "./testing/scripted-destination.ts";
import { openTestDelivery, watchCounts } from "./testing/test-delivery.ts";

const slowly = (): Promise<{ status: "ok" }> =>
  new Promise((resolve) => {
    setTimeout(() => resolve({ status: "ok" }), 1 + Math.random() * 5);
  });

test("where order does not matter, batches are under way together, as many as allowed", async (t) => {
  const destination = new ScriptedDestination({ order: "none", concurrency: 4, maxQueueSize: 100 });
  destination.answer = slowly;
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  watchCounts(t, delivery);
  await emit(200);
  await delivery.flush();
  assert.equal(destination.mostInFlight, 4);
  assert.equal(new Set(destination.received).size, 200);
});

test("events of one sandbox stay in order while those of others are under way", async (t) => {
  const destination = new ScriptedDestination({ order: "sandbox", concurrency: 4, maxQueueSize: 200 });
  let tries = 0;
  destination.answer = () => (tries++ % 3 === 0 ? { status: "retry", reason: "now and then" } : slowly());
  const { delivery, emit, emitted } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  watchCounts(t, delivery);
  const places = Array.from({ length: 8 }, () => newPlace());
  for (let i = 0; i < 10; i++) await Promise.all(places.map((place) => emit(5, place)));
  await delivery.flush();
  assert.ok(destination.mostInFlight > 1);
  const byId = new Map(emitted.map((event) => [event.id, event]));
  for (const { sandboxId } of places) {
    const seqs = destination.received
      .map((id) => byId.get(id))
      .filter((event) => event?.sandboxId === sandboxId)
      .map((event) => event?.seq);
    assert.deepEqual(
      seqs,
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  }
});

test("where the order is total, one batch is under way at a time, in the order of the log", async (t) => {
  const destination = new ScriptedDestination({ order: "total", concurrency: 1, maxQueueSize: 200 });
  destination.answer = slowly;
  const { delivery, emit, emitted } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  await Promise.all(Array.from({ length: 10 }, () => emit(15, newPlace())));
  await delivery.flush();
  assert.equal(destination.mostInFlight, 1);
  assert.deepEqual(
    destination.received,
    emitted.map(({ id }) => id),
  );
});

test("a checkpoint is on disk with the cursor before the next batch is begun, and given to the next open", async (t) => {
  const destination = new ScriptedDestination({ order: "total", concurrency: 1, commitsEachBatch: true });
  let written = 0;
  const first = await openTestDelivery(t, { scripted: destination });
  const seen: unknown[] = [];
  destination.answer = async (batch) => {
    const reader = first.recorder.log.stats().readers.find(({ name }) => name === "exporter.scripted");
    seen.push([reader?.committed, written]);
    written += batch.events.length;
    return { status: "ok", checkpoint: { written } };
  };
  await first.delivery.configure([{ provider: "scripted" }]);
  await first.emit(40);
  await first.delivery.flush();
  assert.deepEqual(
    seen,
    seen.map((_, index) => [index * 10, index * 10]),
  );
  await first.close();
  const second = await openTestDelivery(t, { scripted: destination }, { dataDir: first.dataDir });
  await second.delivery.configure([{ provider: "scripted" }]);
  await second.delivery.flush();
  assert.deepEqual(destination.openedWith, [undefined, { written: 40 }]);
});

test("a batch is no larger than its bytes, and an event that is larger goes alone", async (t) => {
  const destination = new ScriptedDestination({ batchSize: 100, batchBytes: 2_000 });
  const sizes: [number, number][] = [];
  destination.answer = (batch) => {
    sizes.push([batch.events.length, batch.sizeBytes]);
    return { status: "ok" };
  };
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  await emit(40);
  await delivery.flush();
  assert.ok(sizes.length > 3);
  for (const [events, bytes] of sizes)
    assert.ok(bytes <= 2_000 || events === 1, `${events} events, ${bytes} bytes`);
});

test("a checkpoint of a part of a batch is not kept where the rest of it did not get an answer", async (t) => {
  const destination = new ScriptedDestination({ order: "total", concurrency: 1, commitsEachBatch: true });
  const first = await openTestDelivery(t, { scripted: destination });
  destination.answer = (batch) => {
    if (batch.events.length === 10) return { status: "fail", reason: "too large" };
    // The first half is taken, the second is not.
    return batch.events[0]?.position === 1
      ? { status: "ok", checkpoint: { written: 5 } }
      : { status: "retry", reason: "503" };
  };
  await first.delivery.configure([{ provider: "scripted" }]);
  await first.emit(10);
  await until("the second half was tried", () => destination.attempts.length > 3);
  await first.close(100);
  const second = await openTestDelivery(t, { scripted: destination }, { dataDir: first.dataDir });
  await second.delivery.configure([{ provider: "scripted" }]);
  await until("it is opened", () => destination.openedWith.length === 2);
  assert.deepEqual(destination.openedWith, [undefined, undefined]);
});

test("the place moves over what the filter leaves out, also where each batch is committed", async (t) => {
  const destination = new ScriptedDestination({ order: "total", concurrency: 1, commitsEachBatch: true });
  const { delivery, emit, recorder } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted", filter: { types: ["exec.*"] } }]);
  await emit(50);
  await until("it is committed", () => recorder.log.stats().readers[0]?.committed === 50);
  assert.equal(destination.attempts.length, 0);
});

test("a batch of one sandbox is no larger than its bytes where several share a window", async (t) => {
  const destination = new ScriptedDestination({
    order: "sandbox",
    concurrency: 4,
    batchSize: 50,
    batchBytes: 2_000,
    maxQueueSize: 200,
  });
  const sizes: number[] = [];
  destination.answer = ({ sizeBytes }) => {
    sizes.push(sizeBytes);
    return { status: "ok" };
  };
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  await emit(100);
  await delivery.flush();
  assert.ok(Math.max(...sizes) <= 2_000, `${Math.max(...sizes)} bytes`);
});
