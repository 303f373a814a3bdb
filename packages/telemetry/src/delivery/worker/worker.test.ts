import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { until } from "@sandglass/testkit";
import { ExporterRegistry } from "../../exporters/registry.ts";
import { onEnd, temporaryDirectory } from "../../log/testing/test-log.ts";
import { inputOf, newPlace } from "../../record/testing/event-inputs.ts";
import { Recorder } from "../../recorder.ts";
import { Delivery } from "../delivery.ts";
import { readerName } from "../managed-exporter.ts";
import { DEFAULT_RETRY } from "../retry-schedule.ts";
import { watchCounts } from "../testing/test-delivery.ts";
import { RemoteExporter } from "./remote-exporter.ts";
import { WorkerHost } from "./worker-host.ts";

const place = newPlace();

async function emit(recorder: Recorder, count: number): Promise<void> {
  const inputs = Array.from({ length: count }, (_, index) =>
    inputOf(place, "agent.thinking", { text: `thought ${index}`, bytes: 9 }),
  );
  await Promise.all(inputs.map((input) => recorder.emit(input)));
}

function idsIn(path: string): string[] {
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { id: string }).id);
}

async function openRecord(
  t: TestContext,
  segmentBytes = 64 * 1024,
): Promise<{ recorder: Recorder; dataDir: string; ids: string[] }> {
  const dataDir = temporaryDirectory(t);
  // Small segments, so that the thread sees some begin and some go.
  const recorder = await Recorder.open({ dataDir, segmentBytes });
  onEnd(t, () => recorder.close());
  const ids: string[] = [];
  recorder.subscribe(({ id }) => ids.push(id));
  return { recorder, dataDir, ids };
}

interface InThread {
  recorder: Recorder;
  host: WorkerHost;
  exporter: RemoteExporter;
  /** Of the file that it writes. */
  path: string;
  ids: string[];
  problems: string[];
}

/** An exporter in a thread of its own, not started. */
async function inThread(t: TestContext, flushIntervalMs = 5): Promise<InThread> {
  const { recorder, dataDir, ids } = await openRecord(t);
  const problems: string[] = [];
  const host = new WorkerHost(
    recorder.log,
    {
      cursors: recorder.log.cursors,
      deadLetterDir: join(dataDir, "dead-letters"),
      env: {},
      cwd: dataDir,
      ownOrigins: [],
      retry: DEFAULT_RETRY,
    },
    (message) => problems.push(message),
  );
  onEnd(t, () => host.close());
  recorder.log.readerAt(readerName("jsonl"));
  const exporter = new RemoteExporter({
    id: "jsonl",
    options: { provider: "jsonl", config: { filePath: "events.jsonl", flushIntervalMs } },
    owner: { origin: "config", isTrusted: true },
    destination: "events.jsonl",
    log: recorder.log,
    host,
    onStall: () => undefined,
    onRecover: () => undefined,
    onProblem: (message) => problems.push(message),
  });
  return { recorder, host, exporter, path: join(dataDir, "events.jsonl"), ids, problems };
}

test("an exporter in the thread gets everything, across segments, and the numbers add up on this side", async (t) => {
  const { recorder, dataDir, ids } = await openRecord(t);
  const open = (): Promise<Delivery> =>
    Delivery.open({ recorder, dataDir, registry: ExporterRegistry.builtIn() });
  const delivery = await open();
  const filePath = join(dataDir, "events.jsonl");
  await delivery.configure([{ provider: "jsonl", config: { filePath, flushIntervalMs: 5 } }]);
  const watched = watchCounts(t, delivery);
  for (let i = 0; i < 20; i++) await emit(recorder, 200);
  assert.equal((await delivery.flush()).pending, 0);
  assert.ok(watched.samples > 3);
  assert.deepEqual(idsIn(filePath), ids);
  await delivery.shutdown(1_000);
  // Continued by another run, which finds its place on disk.
  await emit(recorder, 10);
  const next = await open();
  await next.configure([{ provider: "jsonl", config: { filePath, flushIntervalMs: 5 } }]);
  assert.deepEqual(await next.flush(), { delivered: 10, dropped: 0, pending: 0 });
  assert.deepEqual(idsIn(filePath), ids);
  await next.shutdown(1_000);
});

test("what the thread has read does not keep old segments", async (t) => {
  const dataDir = temporaryDirectory(t);
  const recorder = await Recorder.open({
    dataDir,
    segmentBytes: 16 * 1024,
    retention: { maxBytes: 512 * 1024, maxAgeMs: 1 },
  });
  onEnd(t, () => recorder.close());
  const delivery = await Delivery.open({ recorder, dataDir, registry: ExporterRegistry.builtIn() });
  onEnd(t, () => delivery.shutdown(100));
  await delivery.configure([
    { provider: "jsonl", config: { filePath: join(dataDir, "e.jsonl"), flushIntervalMs: 5 } },
  ]);
  await emit(recorder, 300);
  await delivery.flush();
  await until("the cursor is known here", () => recorder.log.stats().readers[0]?.lag === 0);
  // Age is looked at when a segment is begun.
  await emit(recorder, 100);
  await until("old segments are gone", () => recorder.log.stats().oldestPosition > 1);
  assert.deepEqual(delivery.list()[0]?.counts.dropped, {});
});

test("a thread that dies is started again, and its exporters continue where they were", async (t) => {
  const { recorder, host, exporter, path, ids, problems } = await inThread(t);
  await exporter.start();
  await emit(recorder, 500);
  await until("some are delivered", () => exporter.info().counts.delivered > 0);
  // Nothing that it understands: the thread ends with an error.
  host.post({ kind: "log", update: undefined as never });
  await emit(recorder, 500);
  await until("all are delivered", () => exporter.info().counts.delivered === 1000);
  assert.deepEqual(idsIn(path), ids);
  assert.ok(problems.some((message) => message.includes("thread of the exporters failed")));
  await exporter.stop(500);
});

test("a flush that the thread does not live to answer says what is pending", async (t) => {
  const { recorder, host, exporter } = await inThread(t, 60_000);
  await exporter.start();
  await emit(recorder, 50);
  host.post({ kind: "log", update: undefined as never });
  const result = await exporter.flush(AbortSignal.timeout(10_000));
  assert.deepEqual(result, { delivered: 0, dropped: 0, pending: 50 });
  await exporter.stop(500);
});

test("asked twice for an exporter, a thread runs one", async (t) => {
  const { recorder, exporter, path, ids } = await inThread(t);
  await exporter.start();
  exporter.restart();
  exporter.restart();
  for (let i = 0; i < 10; i++) await emit(recorder, 50);
  await exporter.flush(AbortSignal.timeout(10_000));
  await exporter.stop(500);
  assert.deepEqual(idsIn(path), ids);
});

test("exporters that catch up side by side get every record as it was written, though its memory is used again", async (t) => {
  const { recorder, dataDir, ids } = await openRecord(t, 64 * 1024 * 1024);
  // Several chunks of 256 KiB.
  const text = "x".repeat(1_000);
  for (let batch = 0; batch < 8; batch++) {
    const inputs = Array.from({ length: 500 }, (_, index) =>
      inputOf(place, "agent.thinking", { text: `${batch} ${index} ${text}`, bytes: 9 }),
    );
    await Promise.all(inputs.map((input) => recorder.emit(input)));
  }
  const delivery = await Delivery.open({ recorder, dataDir, registry: ExporterRegistry.builtIn() });
  onEnd(t, () => delivery.shutdown(100));
  const paths = [37, 400, 5_000].map((batchSize) => ({
    batchSize,
    filePath: join(dataDir, `${batchSize}.jsonl`),
  }));
  await delivery.configure(
    paths.map((config) => ({
      provider: "jsonl",
      startAt: "earliest",
      config: { ...config, flushIntervalMs: 5 },
    })),
  );
  assert.equal((await delivery.flush()).pending, 0);
  for (const { filePath } of paths) assert.deepEqual(idsIn(filePath), ids);
  const [first, ...others] = paths.map(({ filePath }) => readFileSync(filePath, "utf8"));
  for (const other of others) assert.ok(other === first);
});
