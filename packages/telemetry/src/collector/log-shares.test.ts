import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { newSandboxId } from "@sandglass/protocol";
import { until } from "@sandglass/testkit";
import { OtlpSink } from "../exporters/otel/testing/otlp-sink.ts";
import { temporaryDirectory } from "../log/testing/test-log.ts";
import type { RelayTarget } from "./messages.ts";
import { sendSpan, spanRequest, spansOf } from "./testing/span-request.ts";
import {
  KEY,
  LoopbackSandbox,
  openTestCollector,
  ownerOf,
  type TestCollector,
} from "./testing/test-collector.ts";

const MIB = 1024 * 1024;
const LOG_BYTES = 8 * MIB;
/** More than the log holds. */
const REQUESTS = 2 * (LOG_BYTES / MIB);
const GZIP = { "content-encoding": "gzip" };
/** A hostile sandbox is to be stopped by its share alone. */
const LIMITS = { bytesPerSecond: 1024 * MIB, inFlightBytes: 64 * MIB };
/** A MiB that takes a KiB on the wire. */
const BOMB = gzipSync(
  spanRequest("flood", { attributes: [{ key: "k", value: { stringValue: "x".repeat(MIB) } }] }),
);

function open(
  t: TestContext,
  dataDir: string,
  listen?: { host: string; httpPort: number; grpcPort: number },
) {
  return openTestCollector(t, { dataDir, maxBytes: LOG_BYTES, limits: LIMITS, listen });
}

function targetOf(url: string): RelayTarget {
  const options = { provider: "otel", config: { endpoint: url }, startAt: "earliest" };
  return { id: "otel", options, owner: { origin: "config", isTrusted: true } };
}

async function sandboxOf({ collector }: TestCollector, sandboxId = newSandboxId()): Promise<LoopbackSandbox> {
  const sandbox = new LoopbackSandbox();
  await collector.attach(sandboxId, sandbox.open);
  await collector.claim(sandboxId, ownerOf());
  return sandbox;
}

/** Sends bombs one after the other. @returns how many answers of each status there were */
async function flood(url: string, headers = {}): Promise<Record<number, number>> {
  const statuses: Record<number, number> = {};
  for (let sent = 0; sent < REQUESTS; sent++) {
    const status = await sendSpan(url, BOMB, { ...GZIP, ...headers });
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
  return statuses;
}

test("with the backend down a sandbox that floods pushes nothing of its neighbours out of the log, also over a restart", async (t) => {
  await using sink = await OtlpSink.start();
  sink.answer = () => ({ status: 503 });
  const dataDir = temporaryDirectory(t);
  const before = await open(t, dataDir);
  await before.collector.relay([targetOf(sink.url)]);
  const neighbour = await sandboxOf(before);
  assert.equal(await sendSpan(neighbour.url, spanRequest("first")), 200);
  const first = await flood((await sandboxOf(before)).url);
  assert.ok((first[200] ?? 0) <= LOG_BYTES / MIB / 2, JSON.stringify(first));
  assert.ok((first[429] ?? 0) > 0, JSON.stringify(first));
  await until("it is counted", () => (before.collector.snapshot().received.http.refused.log_share ?? 0) > 0);
  assert.equal(await sendSpan(neighbour.url, spanRequest("meanwhile")), 200);
  await before.close(0);

  const after = await open(t, dataDir);
  await after.collector.relay([targetOf(sink.url)]);
  const [again, hostile] = [await sandboxOf(after), await sandboxOf(after)];
  assert.equal(await sendSpan(again.url, spanRequest("after the restart")), 200);
  const second = await flood(hostile.url);
  assert.ok((second[429] ?? 0) > REQUESTS / 2, JSON.stringify(second));
  sink.answer = () => undefined;
  assert.equal((await after.collector.flush(10_000)).pending, 0);
  const names = new Set(spansOf(sink.requests).map(({ name }) => name));
  for (const name of ["first", "meanwhile", "after the restart"]) assert.ok(names.has(name), name);
  assert.equal(after.collector.snapshot().relays[0]?.counts.dropped.retention ?? 0, 0);
  // What was delivered is nobody's share any more.
  await until("it may send again", async () => (await sendSpan(hostile.url, BOMB, GZIP)) === 200);
});

test("programs that send with an organisation's key have one share, all together", async (t) => {
  await using sink = await OtlpSink.start();
  sink.answer = () => ({ status: 503 });
  const listen = { host: "127.0.0.1", httpPort: 0, grpcPort: 0 };
  const opened = await open(t, temporaryDirectory(t), listen);
  await opened.collector.relay([targetOf(sink.url)]);
  const neighbour = await sandboxOf(opened);
  assert.equal(await sendSpan(neighbour.url, spanRequest("mine")), 200);
  const statuses = await flood(`http://${opened.collector.listening?.http}`, { authorization: KEY });
  assert.ok((statuses[429] ?? 0) > 0, JSON.stringify(statuses));
  sink.answer = () => undefined;
  assert.equal((await opened.collector.flush(10_000)).pending, 0);
  assert.ok(spansOf(sink.requests).some(({ name }) => name === "mine"));
});

test("a sandbox that is alone may use all of the log, and one that comes then has room", async (t) => {
  await using sink = await OtlpSink.start();
  sink.answer = () => ({ status: 503 });
  const opened = await open(t, temporaryDirectory(t));
  await opened.collector.relay([targetOf(sink.url)]);
  const alone = await sandboxOf(opened);
  assert.deepEqual(await flood(alone.url), { 200: REQUESTS });
  const late = await sandboxOf(opened);
  assert.equal(await sendSpan(late.url, spanRequest("late")), 200);
  const statuses = await flood(alone.url);
  assert.deepEqual(statuses, { 429: REQUESTS });
  sink.answer = () => undefined;
  await opened.collector.flush(10_000);
  assert.ok(spansOf(sink.requests).some(({ name }) => name === "late"));
});

test("what nobody waits for is nobody's share", async (t) => {
  const opened = await open(t, temporaryDirectory(t));
  const [one, other] = [await sandboxOf(opened), await sandboxOf(opened)];
  assert.equal(await sendSpan(other.url, spanRequest("kept for nobody")), 200);
  assert.deepEqual(await flood(one.url), { 200: REQUESTS });
});
