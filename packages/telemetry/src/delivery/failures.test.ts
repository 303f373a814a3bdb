import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { inspect } from "node:util";
import { until } from "@sandglass/testkit";
import type { EventBatch, ExportResult } from "./exporter.ts";
import { ScriptedDestination } from "./testing/scripted-destination.ts";
import { openTestDelivery, untilReceived, watchCounts } from "./testing/test-delivery.ts";

function textsOf(batch: EventBatch): string[] {
  return batch.events.map(({ event }) => String((event.data as { text?: string }).text));
}

/** Refuses every batch with one of these in it. */
function refusing(...texts: string[]): (batch: EventBatch) => ExportResult {
  return (batch) =>
    textsOf(batch).some((text) => texts.includes(text))
      ? { status: "fail", reason: "400: field foo is too long" }
      : { status: "ok" };
}

test("an event that is refused is found by splitting, and put into the dead-letter file with its reason", async (t) => {
  const destination = new ScriptedDestination({ batchSize: 16 });
  destination.answer = refusing("thought 5", "thought 11");
  const { delivery, emit, emitted, recorder } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  watchCounts(t, delivery);
  await emit(32);
  assert.deepEqual(await delivery.flush(), { delivered: 30, dropped: 2, pending: 0 });
  const poison = emitted.filter((_, index) => index === 5 || index === 11);
  assert.equal(destination.received.length, 30);
  assert.ok(poison.every(({ id }) => !destination.received.includes(id)));
  const [info] = delivery.list();
  assert.deepEqual(info?.counts.dropped, { rejected: 2 });
  assert.equal(info?.state, "running");
  assert.match(info?.lastError?.message ?? "", /rejected: 400: field foo is too long/);
  const path = info?.deadLetterFile ?? "";
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const letters = readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    letters.map(({ event }) => event),
    poison,
  );
  assert.deepEqual([...new Set(letters.map(({ reason }) => reason))], ["400: field foo is too long"]);
  assert.equal(recorder.stats().subscriberErrors, 0);
});

test("events rejected in an answer that took the rest are dropped one by one, or counted where it did not say which", async (t) => {
  const destination = new ScriptedDestination({ batchSize: 10 });
  destination.answer = () => ({ status: "ok", rejected: [{ index: 3, reason: "too old" }] });
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  await emit(10);
  assert.deepEqual(await delivery.flush(), { delivered: 9, dropped: 1, pending: 0 });
  destination.answer = () => ({ status: "ok", rejected: [{ count: 4, reason: "quota" }] });
  await emit(10);
  assert.deepEqual(await delivery.flush(), { delivered: 6, dropped: 4, pending: 0 });
  const lines = readFileSync(delivery.list()[0]?.deadLetterFile ?? "", "utf8")
    .trimEnd()
    .split("\n");
  assert.equal(lines.length, 11);
  assert.match(JSON.parse(lines[0]!).reason, /^too old$/);
  assert.match(JSON.parse(lines[1]!).reason, /^one of 10, 4 of which were rejected: quota$/);
});

test("an exporter that hangs is timed out and tried again, and its signal fires", async (t) => {
  const destination = new ScriptedDestination({ timeoutMs: 30 });
  let aborted = 0;
  destination.answer = (_, signal) =>
    new Promise(() => {
      signal.addEventListener("abort", () => {
        aborted += 1;
      });
    });
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  await emit(1);
  await until("it was tried three times", () => destination.attempts.length >= 3);
  assert.match(delivery.list()[0]?.lastError?.message ?? "", /timed out after 30 ms/);
  assert.ok(aborted >= 2);
  destination.answer = () => ({ status: "ok" });
  await untilReceived(destination, 1);
});

test("an exporter that throws, or returns nothing, is tried again", async (t) => {
  const destination = new ScriptedDestination();
  let turn = 0;
  destination.answer = () => {
    turn += 1;
    if (turn === 1) throw new Error("boom");
    if (turn === 2) return undefined as unknown as ExportResult;
    return { status: "ok" };
  };
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  await emit(4);
  assert.equal((await delivery.flush()).pending, 0);
  assert.equal(delivery.list()[0]?.failedAttempts, 2);
});

test("a destination that wants nothing any more is left alone, also after a restart, until someone asks", async (t) => {
  const destination = new ScriptedDestination();
  destination.answer = () => ({ status: "disable", reason: "410 gone" });
  const first = await openTestDelivery(t, { scripted: destination });
  await first.delivery.configure([{ provider: "scripted" }]);
  await first.emit(5);
  await until("it is disabled", () => first.delivery.list()[0]?.state === "disabled");
  const tries = destination.attempts.length;
  await first.emit(5);
  assert.equal((await first.delivery.flush()).pending, 10);
  await first.close();
  const second = await openTestDelivery(t, { scripted: destination }, { dataDir: first.dataDir });
  await second.delivery.configure([{ provider: "scripted" }]);
  assert.equal(second.delivery.list()[0]?.state, "disabled");
  assert.equal(destination.attempts.length, tries);
  destination.answer = () => ({ status: "ok" });
  second.delivery.retry("scripted");
  await untilReceived(destination, 10);
  assert.equal(second.delivery.list()[0]?.state, "running");
});

test("a flush gives up at its time and says what is pending, and does not wait for a backoff", async (t) => {
  const destination = new ScriptedDestination();
  destination.answer = () => ({ status: "retry", reason: "down" });
  const retry = { initialMs: 1e9, maxMs: 1e9, stallAfterMs: 10 };
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination }, { retry });
  await delivery.configure([{ provider: "scripted" }]);
  await emit(25);
  assert.deepEqual(await delivery.flush({ timeoutMs: 80 }), { delivered: 0, dropped: 0, pending: 25 });
  destination.answer = () => ({ status: "ok" });
  const { delivered, pending } = await delivery.flush();
  assert.ok(delivered >= 25);
  assert.equal(pending, 0);
});

test("events that the log could not keep are counted as dropped by retention, and the rest is delivered", async (t) => {
  const { Recorder } = await import("../recorder.ts");
  const { temporaryDirectory } = await import("../log/testing/test-log.ts");
  const dataDir = temporaryDirectory(t);
  const recorder = await Recorder.open({
    dataDir,
    segmentBytes: 16 * 1024,
    retention: { maxBytes: 48 * 1024 },
  });
  const destination = new ScriptedDestination({ maxQueueSize: 10 });
  destination.answer = () => ({ status: "retry", reason: "down" });
  const { delivery, emit } = await openTestDelivery(t, { scripted: destination }, { dataDir, recorder });
  await delivery.configure([{ provider: "scripted" }]);
  watchCounts(t, delivery);
  for (let i = 0; i < 20; i++) await emit(50);
  destination.answer = () => ({ status: "ok" });
  await delivery.flush();
  const { counts } = delivery.list()[0]!;
  assert.ok((counts.dropped.retention ?? 0) > 0);
  assert.equal(counts.delivered + (counts.dropped.retention ?? 0), counts.accepted);
});

test("secrets are taken out of what a destination says", async (t) => {
  const failures: string[] = [];
  const destination = new ScriptedDestination(
    {},
    { secrets: ["xaat-very-secret/+"], onError: ({ message }) => failures.push(message) },
  );
  destination.answer = () => ({
    status: "retry",
    reason: `token xaat-very-secret/+ is wrong (${encodeURIComponent("xaat-very-secret/+")})`,
  });
  const { delivery, emit, dataDir } = await openTestDelivery(t, { scripted: destination });
  await delivery.configure([{ provider: "scripted" }]);
  await emit(1);
  await until("it has failed", () => delivery.list()[0]?.lastError !== undefined);
  assert.equal(delivery.list()[0]?.lastError?.message, "token [redacted] is wrong ([redacted])");
  assert.ok(failures.length > 0 && failures.every((message) => !message.includes("secret")));
  assert.ok(!existsSync(`${dataDir}/dead-letters`));
});

test("a dead letter behind one that was cut off has a line of its own", async (t) => {
  const destination = new ScriptedDestination();
  destination.answer = () => ({ status: "fail", reason: "400" });
  const { delivery, emit, dataDir } = await openTestDelivery(t, { scripted: destination });
  const path = `${dataDir}/dead-letters/scripted.jsonl`;
  mkdirSync(`${dataDir}/dead-letters`);
  writeFileSync(path, '{"deadAt":"2026-');
  await delivery.configure([{ provider: "scripted" }]);
  await emit(1);
  await delivery.flush();
  const [torn, letter] = readFileSync(path, "utf8").split("\n");
  assert.equal(torn, '{"deadAt":"2026-');
  assert.equal(JSON.parse(letter ?? "").reason, "400");
});

test("secrets are taken out of why a required destination is out of reach, and of what is told of a failed close", async (t) => {
  const extra = {
    secrets: ["xaat-very-secret"],
    verify: () => Promise.reject(new Error("no user xaat-very-secret")),
  };
  const told: unknown[] = [];
  const { delivery } = await openTestDelivery(
    t,
    { scripted: new ScriptedDestination({}, extra) },
    { onProblem: (_, error) => told.push(error) },
  );
  await assert.rejects(
    delivery.configure([{ provider: "scripted", required: true }]),
    /no user \[redacted\]$/,
  );
  const shutdown = (): Promise<void> => Promise.reject(new Error("pg://u:xaat-very-secret@h"));
  Object.assign(extra, { open: async () => ({ export: async () => ({ status: "ok" }), shutdown }) });
  const other = await openTestDelivery(
    t,
    { scripted: new ScriptedDestination({}, extra) },
    { onProblem: (_, error) => told.push(error) },
  );
  await other.delivery.configure([{ provider: "scripted" }]);
  await other.delivery.flush();
  await other.close();
  assert.equal(told.length, 1);
  assert.ok(!inspect(told).includes("secret"), inspect(told));
});
