import assert from "node:assert/strict";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "@sandglass/testkit";
import type { Exporter } from "./exporter.ts";
import { ScriptedDestination } from "./testing/scripted-destination.ts";
import { openTestDelivery, untilReceived } from "./testing/test-delivery.ts";

const never = (): Promise<never> => new Promise(() => undefined);

test("a flush ends when the destination wants nothing any more meanwhile", async (t) => {
  const destination = new ScriptedDestination();
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  destination.answer = async () => {
    await answered;
    return { status: "disable", reason: "410 gone" };
  };
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  await emit(5);
  const flushing = delivery.flush();
  await until("it is sent", () => destination.inFlight > 0);
  answer();
  assert.deepEqual(await flushing, { delivered: 0, dropped: 0, pending: 5 });
});

test("flushes of an exporter that cannot be opened leave the event loop to others, and end at their time", async (t) => {
  const destination = new ScriptedDestination({}, { open: () => Promise.reject(new Error("no such path")) });
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  await emit(5);
  const results = await Promise.all([1, 2, 3].map(() => delivery.flush({ timeoutMs: 50 })));
  for (const result of results) assert.deepEqual(result, { delivered: 0, dropped: 0, pending: 5 });
  assert.match(delivery.list()[0]?.lastError?.message ?? "", /no such path/);
});

test("an exporter whose opening hangs holds up neither its removal nor the end", async (t) => {
  const [hanging, other] = [new ScriptedDestination({}, { open: never }), new ScriptedDestination()];
  const { delivery, emit } = await openTestDelivery(t, { hanging, other });
  await delivery.configure([{ provider: "hanging" }, { provider: "other" }]);
  await emit(5);
  await untilReceived(other, 5);
  await delivery.configure([{ provider: "other" }]);
  await delivery.configure([{ provider: "hanging" }, { provider: "other" }]);
  const { pending } = await delivery.shutdown(300);
  assert.equal(pending, 5);
});

test("one that is opened when nobody waits for it any more is closed", async (t) => {
  const { promise: opened, resolve: open } = Promise.withResolvers<Exporter>();
  const destination = new ScriptedDestination({}, { open: () => opened });
  const { delivery } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  await delivery.shutdown(100);
  await new Promise<void>((resolve) => {
    open({ export: never, shutdown: async () => resolve() });
  });
});

test("an end does not wait for a required destination that a change is asking for", async (t) => {
  const destination = new ScriptedDestination({}, { verify: never });
  const { delivery } = await openTestDelivery(t, { scripted: destination });
  const configuring = delivery.configure([{ provider: "scripted", required: true }]);
  const refused = assert.rejects(configuring, /being ended/);
  await new Promise(setImmediate);
  await delivery.shutdown(200);
  await refused;
  await assert.rejects(delivery.configure([]), { code: "SHUTTING_DOWN" });
});

test("a new exporter whose place cannot be written is not there, and the others are", async (t) => {
  const [one, two] = [new ScriptedDestination(), new ScriptedDestination()];
  const { delivery, emit, dataDir, recorder } = await openTestDelivery(t, { one, two });
  const obstacle = join(dataDir, "log", "cursors", "exporter.one.json.tmp");
  await mkdir(obstacle);
  const both = [{ provider: "one" }, { provider: "two" }];
  await assert.rejects(delivery.configure(both), { code: "EISDIR" });
  assert.deepEqual(
    delivery.list().map(({ id }) => id),
    ["two"],
  );
  assert.ok(recorder.log.stats().readers.every(({ name }) => name !== "exporter.one"));
  await rm(obstacle, { recursive: true });
  // The same configuration again is no change to the one that runs, and starts the other.
  await delivery.configure(both);
  await emit(5);
  await delivery.flush();
  assert.deepEqual([one.received.length, two.received.length], [5, 5]);
});

test("an exporter that is changed while its place cannot be written goes on", async (t) => {
  const destination = new ScriptedDestination();
  const { delivery, emit, dataDir } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted", config: { token: "1" } }]);
  await emit(5);
  await delivery.flush();
  const obstacle = join(dataDir, "log", "cursors", "exporter.scripted.json.tmp");
  const inTheWay = (): Promise<boolean> =>
    mkdir(obstacle).then(
      () => true,
      () => false,
    );
  await until("no cursor is being written", inTheWay);
  await delivery.configure([{ provider: "scripted", config: { token: "2" } }]);
  await emit(5);
  assert.equal((await delivery.flush()).pending, 0);
  assert.equal(new Set(destination.received).size, 10);
  await rm(obstacle, { recursive: true });
});
