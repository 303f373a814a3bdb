import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import type { ExporterProviders } from "../exporters/definition.ts";
import { newPlace } from "../record/testing/event-inputs.ts";
import type { EventBatch } from "./exporter.ts";
import { ScriptedDestination } from "./testing/scripted-destination.ts";
import { assertAddsUp, openTestDelivery, untilReceived, watchCounts } from "./testing/test-delivery.ts";

test("everything that is emitted arrives, in order, and the numbers say so", async (t) => {
  const destination = new ScriptedDestination();
  const { delivery, emit, emitted } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  watchCounts(t, delivery);
  await emit(95);
  const result = await delivery.flush();
  assert.deepEqual(result, { delivered: 95, dropped: 0, pending: 0 });
  assert.deepEqual(
    destination.received,
    emitted.map(({ id }) => id),
  );
  const [info] = delivery.list();
  assert.deepEqual(info?.counts, {
    accepted: 95,
    delivered: 95,
    filtered: 0,
    queued: 0,
    inFlight: 0,
    dropped: {},
  });
  assert.deepEqual(
    { id: info?.id, state: info?.state, lagMs: info?.lagMs },
    { id: "scripted", state: "running", lagMs: 0 },
  );
});

test("a destination that is down costs no memory beyond its queue, and catches up", async (t) => {
  const destination = new ScriptedDestination({ maxQueueSize: 20 });
  destination.answer = () => ({ status: "retry", reason: "connection refused" });
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  watchCounts(t, delivery);
  await emit(300);
  await until("the exporter is stalled", () => delivery.list()[0]?.state === "stalled");
  const [stalled] = delivery.list();
  assert.equal(stalled?.counts.delivered, 0);
  assert.ok((stalled?.counts.inFlight ?? 0) <= 20);
  assert.match(stalled?.lastError?.message ?? "", /connection refused/);
  assert.ok((stalled?.lagMs ?? 0) > 0);
  destination.answer = () => ({ status: "ok" });
  const { pending } = await delivery.flush();
  assert.equal(pending, 0);
  await until("the exporter runs again", () => delivery.list()[0]?.state === "running");
});

test("stalling and recovering are events of the record, once each", async (t) => {
  const destination = new ScriptedDestination();
  destination.answer = () => ({ status: "retry", reason: "503" });
  const { delivery, emit, recorder } = await openTestDelivery(t, { scripted: destination });
  const seen: string[] = [];
  recorder.subscribe((event) => {
    if (event.type.startsWith("exporter.")) seen.push(`${event.type} ${JSON.stringify(event.data)}`);
  });
  await delivery.configure([{ provider: "scripted" }]);
  await emit(3);
  await until("it has stalled", () => seen.length > 0);
  destination.answer = () => ({ status: "ok" });
  await until("it has recovered", () => seen.length > 1);
  await delivery.flush();
  assert.equal(seen.length, 2);
  assert.match(seen[0]!, /^exporter.stalled .*"exporter":"scripted","reason":"503","lagEvents":3/);
  assert.match(seen[1]!, /^exporter.recovered .*"stalledMs":\d+/);
});

test("one dead destination does not hold up another", async (t) => {
  const [dead, alive] = [new ScriptedDestination(), new ScriptedDestination()];
  dead.answer = () => new Promise(() => undefined);
  const { delivery, emit } = await openTestDelivery(t, { dead, alive });
  await delivery.configure([{ provider: "dead" }, { provider: "alive" }]);
  await emit(200);
  await untilReceived(alive, 200);
  assert.equal(dead.received.length, 0);
});

test("what was not delivered before the end is delivered after the next start", async (t) => {
  const destination = new ScriptedDestination();
  const first = await openTestDelivery(t, { scripted: destination });
  await first.delivery.configure([{ provider: "scripted" }]);
  await first.emit(30);
  await untilReceived(destination, 30);
  destination.answer = () => ({ status: "retry", reason: "down" });
  await first.emit(40);
  const ids = first.emitted.map(({ id }) => id);
  const result = await first.delivery.shutdown(200);
  assert.equal(result.pending, 40);
  assert.equal(destination.shutdowns, 1);
  await first.close();

  destination.answer = () => ({ status: "ok" });
  const second = await openTestDelivery(t, { scripted: destination }, { dataDir: first.dataDir });
  await second.delivery.configure([{ provider: "scripted" }]);
  await second.delivery.flush();
  assert.deepEqual([...new Set(destination.received)].slice(0, 70), ids);
  const counts = second.delivery.list()[0]!.counts;
  assertAddsUp(counts);
  assert.equal(counts.delivered, counts.accepted);
});

test("an exporter that is taken away and comes back continues where it was", async (t) => {
  const destination = new ScriptedDestination();
  const { delivery, emit, emitted } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted", id: "one" }]);
  await emit(10);
  await delivery.flush();
  await delivery.configure([]);
  assert.deepEqual(delivery.list(), []);
  await emit(10);
  await delivery.configure([{ provider: "scripted", id: "one" }]);
  await delivery.flush();
  assert.deepEqual(
    destination.received,
    emitted.map(({ id }) => id),
  );
});

test("changing an exporter under load loses nothing", async (t) => {
  const destination = new ScriptedDestination({ concurrency: 3 });
  destination.answer = () => new Promise((resolve) => setTimeout(() => resolve({ status: "ok" }), 2));
  const { delivery, emit, emitted } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted", id: "one", config: { token: "0" } }]);
  watchCounts(t, delivery);
  for (let i = 1; i <= 5; i++) {
    const emitting = emit(100);
    await delivery.configure([{ provider: "scripted", id: "one", config: { token: String(i) } }]);
    await emitting;
  }
  await delivery.flush();
  assert.deepEqual(new Set(destination.received), new Set(emitted.map(({ id }) => id)));
});

test("a new exporter starts at the oldest event, at the newest, or at a time", async (t) => {
  const [earliest, latest, timed] = [
    new ScriptedDestination(),
    new ScriptedDestination(),
    new ScriptedDestination(),
  ];
  const { delivery, emit, emitted } = await openTestDelivery(t, { earliest, latest, timed });
  await emit(5);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const startAt = new Date().toISOString();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await emit(5);
  const owner = { origin: "api", isTrusted: true } as const;
  await delivery.add({ provider: "earliest", startAt: "earliest" }, owner);
  await delivery.add({ provider: "latest" }, owner);
  await delivery.add({ provider: "timed", startAt }, owner);
  await emit(2);
  await delivery.flush();
  const ids = emitted.map(({ id }) => id);
  assert.deepEqual(earliest.received, ids);
  assert.deepEqual(timed.received, ids.slice(5));
  assert.deepEqual(latest.received, ids.slice(10));
});

test("an organisation's exporter gets that organisation's events", async (t) => {
  const destination = new ScriptedDestination();
  const { delivery, emit, emitted } = await openTestDelivery(t, { scripted: destination });
  await delivery.add({ provider: "scripted" }, { origin: "api", orgId: "acme", isTrusted: false });
  await emit(5);
  await emit(3, newPlace({ orgId: "acme" }));
  await delivery.flush();
  assert.deepEqual(
    destination.received,
    emitted.filter(({ orgId }) => orgId === "acme").map(({ id }) => id),
  );
  assert.equal(delivery.list("acme").length, 1);
  assert.equal(delivery.list("other").length, 0);
  assert.equal(delivery.find("scripted", "other"), undefined);
});

test("a few events that wait do not keep what was read with them in memory", async (t) => {
  const destination = new ScriptedDestination({ maxQueueSize: 50 });
  const waiting: EventBatch[] = [];
  destination.answer = (batch) => {
    waiting.push(batch);
    return { status: "retry", reason: "down" };
  };
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  await emit(2_000);
  await emit(1, newPlace({ orgId: "acme" }));
  const owner = { origin: "api", orgId: "acme", isTrusted: false } as const;
  await delivery.add({ provider: "scripted", startAt: "earliest" }, owner);
  await until("it is tried", () => waiting.length > 0);
  const { buffer } = waiting[0]!.events[0]!.payload;
  assert.ok(buffer.byteLength <= 64 * 1024, `${buffer.byteLength} bytes`);
});

test("taking away one of two exporters without an id does not make the other continue from its place", async (t) => {
  const [first, second] = ["first", "second"].map(
    (destination) => new ScriptedDestination({}, { destination }),
  );
  const destinations = { first: first!, second: second! };
  const registry = {
    find: () => ({
      ...first!.definition,
      provider: "scripted",
      prepare: ({ token }: { token: "first" | "second" }) =>
        destinations[token].definition.prepare({}, undefined as never),
    }),
  } as unknown as ExporterProviders;
  const { delivery, emit, emitted } = await openTestDelivery(t, {}, { registry });
  const of = (token: string) => ({ provider: "scripted", config: { token } });
  await delivery.configure([of("first"), of("second")]);
  second!.answer = () => ({ status: "retry", reason: "down" });
  await emit(10);
  await untilReceived(first!, 10);
  await delivery.configure([of("second")]);
  second!.answer = () => ({ status: "ok" });
  await delivery.flush();
  // That it stalled meanwhile, where it did, is an event that it gets as well.
  const got = new Set(second!.received);
  assert.deepEqual(
    emitted.filter(({ id }) => !got.has(id)),
    [],
  );
});
