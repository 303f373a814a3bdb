import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { RuntimeEvent } from "@sandglass/protocol";
import { onEnd, temporaryDirectory } from "./log/testing/test-log.ts";
import { created, execOf, inputOf, newPlace, terminated } from "./record/testing/event-inputs.ts";
import { Recorder, type RecorderOptions } from "./recorder.ts";

async function openRecorder(t: TestContext, options: RecorderOptions): Promise<Recorder> {
  const recorder = await Recorder.open(options);
  onEnd(t, () => recorder.close());
  return recorder;
}

async function events(recorder: Recorder): Promise<RuntimeEvent[]> {
  const all: RuntimeEvent[] = [];
  for await (const { event } of recorder.read()) if (event) all.push(event);
  return all;
}

test("an event gets an id, a time and the next number of its sandbox; a time that is given stays", async (t) => {
  const recorder = await openRecorder(t, { dataDir: temporaryDirectory(t) });
  const [a, b] = [newPlace(), newPlace()];
  const host = newPlace({ sandboxId: "", orgId: "" });
  const timestamp = "2026-04-18T14:00:00.000042Z";
  await Promise.all([
    recorder.emit(created(a)),
    recorder.emit(inputOf(host, "host.started", { version: "1", pid: 1 }, { timestamp })),
    recorder.emit(created(b)),
    recorder.emit(terminated(a)),
    recorder.emit(inputOf(host, "host.stopped", { cause: "host_shutdown", uptimeMs: 1 })),
  ]);
  const all = await events(recorder);
  assert.deepEqual(
    all.map(({ sandboxId, seq }) => [sandboxId, seq]),
    [
      [a.sandboxId, 1],
      ["", 1],
      [b.sandboxId, 1],
      [a.sandboxId, 2],
      ["", 2],
    ],
  );
  assert.equal(new Set(all.map(({ id }) => id)).size, 5);
  assert.ok(all.every(({ id }) => /^evt_[0-9a-f-]{36}$/.test(id)));
  assert.equal(all[1]!.timestamp, timestamp);
  assert.match(all[0]!.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

test("subscribers are told behind who waits for the emit, in the same turn; one that throws is counted and costs the others nothing", async (t) => {
  const recorder = await openRecorder(t, { dataDir: temporaryDirectory(t) });
  const order: string[] = [];
  recorder.subscribe(() => {
    throw new Error("bad subscriber");
  });
  const stop = recorder.subscribe(({ type }) => order.push(type));
  const place = newPlace();
  await recorder.emit(created(place)).then(() => order.push("resolved"));
  await setImmediate();
  stop();
  await recorder.emit(terminated(place));
  await setImmediate();
  assert.deepEqual(order, ["resolved", "sandbox.created"]);
  assert.equal(recorder.stats().subscriberErrors, 2);
});

test("subscribers are told in the order of the log, also where the event loop gets no turn", async (t) => {
  const recorder = await openRecorder(t, { dataDir: temporaryDirectory(t) });
  const place = newPlace();
  const told: string[] = [];
  let emittedByOne = 0;
  recorder.subscribe(({ id }) => told.push(id));
  recorder.subscribe(() => {
    // More than are kept to be told together, from inside of being told.
    while (emittedByOne < 400) {
      emittedByOne++;
      void recorder.emit(execOf(place).started);
    }
  });
  for (let count = 0; count < 400; count++) await recorder.emit(execOf(place).started);
  assert.ok(told.length >= 400, `told of ${told.length} before the event loop went on`);
  await setImmediate();
  const recorded = (await events(recorder)).map(({ id }) => id);
  assert.equal(recorded.length, 800);
  assert.deepEqual(told, recorded);
});

test("a subscriber may emit", async (t) => {
  const recorder = await openRecorder(t, { dataDir: temporaryDirectory(t) });
  const place = newPlace();
  let followUp: Promise<void> | undefined;
  recorder.subscribe((event) => {
    if (event.type === "sandbox.created") followUp = recorder.emit(terminated(place));
  });
  await recorder.emit(created(place));
  await setImmediate();
  await followUp;
  assert.deepEqual(
    (await events(recorder)).map(({ type, seq }) => [type, seq]),
    [
      ["sandbox.created", 1],
      ["sandbox.terminated", 2],
    ],
  );
});

test("a recorder that is not enabled takes events and keeps none", async (t) => {
  const recorder = await openRecorder(t, { dataDir: temporaryDirectory(t), enabled: false });
  await recorder.emit(created(newPlace()));
  assert.equal(recorder.stats().appended, 0);
});

test("after close an emit is rejected, not lost silently", async (t) => {
  const recorder = await openRecorder(t, { dataDir: temporaryDirectory(t) });
  await recorder.close();
  await assert.rejects(recorder.emit(created(newPlace())), { code: "LOG_UNAVAILABLE" });
});

for (const withCheckpoint of [true, false]) {
  test(`what was left open is told at the next start, with all it takes to end it, and numbers go on (${withCheckpoint ? "with" : "without"} checkpoint)`, async (t) => {
    const dataDir = temporaryDirectory(t);
    const first = await Recorder.open({ dataDir, segmentBytes: 4000 });
    const [open, ended] = [newPlace({ runId: "run_1" }), newPlace()];
    await first.emit(created(open, "aaaaaaaaaaaaaaaa"));
    await first.emit(created(ended));
    const running = execOf(open);
    const finished = execOf(open);
    for (const input of [running.started, finished.started, finished.completed, terminated(ended)])
      await first.emit(input);
    await first.close();
    if (!withCheckpoint) rmSync(join(dataDir, "state", "open.json"));

    const second = await openRecorder(t, { dataDir, segmentBytes: 4000 });
    const { openSandboxes, ...rest } = second.recovery;
    assert.deepEqual(rest, { truncatedBytes: 0, corruptRecords: 0 });
    const [sandbox] = openSandboxes;
    assert.equal(openSandboxes.length, 1);
    const { createdAt, execs, lastSeenAt, ...place } = sandbox!;
    assert.deepEqual(place, { ...open, spanId: "aaaaaaaaaaaaaaaa", template: "python" });
    assert.ok(Date.parse(createdAt) <= Date.parse(lastSeenAt));
    assert.equal(execs.length, 1);
    const { startedAt, ...exec } = execs[0]!;
    assert.ok(startedAt >= createdAt);
    const { traceId, spanId, parentSpanId } = running.started;
    const subject = {
      execId: running.execId,
      kind: "code",
      language: "python",
      contextId: "default",
      code: "print(1)",
    };
    assert.deepEqual(exec, { subject, traceId, spanId, parentSpanId });

    await second.emit(running.completed);
    await second.emit(terminated(open));
    await second.emit(inputOf(ended, "agent.thinking", { bytes: 1 }));
    const mine = (await events(second)).filter(({ sandboxId }) => sandboxId === open.sandboxId);
    assert.deepEqual(
      mine.map(({ seq }) => seq),
      [1, 2, 3, 4, 5, 6],
    );
    assert.equal((await events(second)).at(-1)?.seq, 3, "a late event of an ended sandbox goes on as well");
    await second.close();
    const third = await openRecorder(t, { dataDir, segmentBytes: 4000 });
    assert.deepEqual(third.recovery.openSandboxes, []);
  });
}

for (const withCheckpoint of [true, false])
  test(`a daemon's last sign of life is its own: not what the next one says, nor what others say of their times (${withCheckpoint ? "with" : "without"} checkpoint)`, async (t) => {
    const dataDir = temporaryDirectory(t);
    const place = newPlace();
    const reopened = async (): Promise<Recorder> => {
      if (!withCheckpoint) rmSync(join(dataDir, "state", "open.json"), { force: true });
      return Recorder.open({ dataDir });
    };
    const lastSeenAt = (recorder: Recorder): string[] =>
      recorder.recovery.openSandboxes.map((sandbox) => sandbox.lastSeenAt);
    const at = (seconds: string) => ({ timestamp: `2026-04-18T14:00:${seconds}.000000Z` });
    const first = await reopened();
    await first.emit({ ...created(place), ...at("01") });
    await first.emit({ ...execOf(place).started, ...at("07") });
    await first.emit({ ...inputOf(place, "agent.thinking", { bytes: 1 }), ...at("55") });
    await first.close();
    const host = { ...newPlace(), sandboxId: "" };
    for (const start of ["30", "40"]) {
      const next = await reopened();
      assert.deepEqual(lastSeenAt(next), ["2026-04-18T14:00:07.000000Z"]);
      await next.emit({ ...inputOf(host, "host.started", { version: "1.0.0", pid: 1 }), ...at(start) });
      await next.close();
    }
  });

test("a checkpoint that cannot be used costs nothing but time", async (t) => {
  const dataDir = temporaryDirectory(t);
  const place = newPlace();
  const first = await Recorder.open({ dataDir });
  await first.emit(created(place));
  await first.close();
  const file = join(dataDir, "state", "open.json");
  const good = JSON.parse(readFileSync(file, "utf8")) as object;
  for (const content of [
    "",
    "null",
    "{}",
    "\0\0",
    JSON.stringify({ ...good, version: 9 }),
    JSON.stringify({ ...good, position: 1e6, ledger: [] }),
  ]) {
    writeFileSync(file, content);
    const again = await Recorder.open({ dataDir });
    assert.deepEqual(
      again.recovery.openSandboxes.map(({ sandboxId }) => sandboxId),
      [place.sandboxId],
      content,
    );
    await again.close();
  }
});

const skip = process.getuid?.() === 0 ? false : "mounting a small tmpfs needs root";
test("events refused by a full disk leave no hole in the numbers once there is room", { skip }, async (t) => {
  const dataDir = temporaryDirectory(t);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", dataDir]);
  onEnd(t, () => execFileSync("umount", [dataDir]));
  const ballast = join(dataDir, "ballast");
  writeFileSync(ballast, Buffer.alloc(300 * 1024));
  const recorder = await openRecorder(t, { dataDir });
  const place = newPlace();
  await recorder.emit(created(place));
  let accepted = 1;
  let refused = 0;
  const emitSome = async (): Promise<void> => {
    // Long ones fill the buffer in the middle of the turn, so that the refusal comes while others are being emitted.
    const codes = ["a", "b".repeat(5_000), "c".repeat(60_000), "d"];
    const inputs = codes.flatMap((code) =>
      Object.values(execOf(place, code)).filter((part) => typeof part === "object"),
    );
    for (const { status } of await Promise.allSettled(inputs.map((input) => recorder.emit(input)))) {
      if (status === "fulfilled") accepted += 1;
      else refused += 1;
    }
  };
  while (refused === 0) await emitSome();
  rmSync(ballast);
  const before = accepted;
  while (accepted < before + 8) await emitSome();
  const seqs = (await events(recorder)).map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    Array.from({ length: accepted }, (_, i) => i + 1),
  );
});
