import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { SandglassError } from "@sandglass/protocol";
import { readExportResponse } from "../export-response.ts";
import { sized } from "../relay/testing/forge.ts";
import { readRpcStatus } from "../rpc-status.ts";
import { tenantNamed } from "./testing/grpc-harness.ts";
import { call, HttpHarness, requestHead } from "./testing/http-harness.ts";
import { spanBatch } from "./testing/span-batch.ts";

const KIB = 1024;
const GZIP = { "content-encoding": "gzip" };
const CHUNKED = { "transfer-encoding": "chunked" };

test("a request that is too large, as sent or inflated, is refused for good", async () => {
  await using harness = new HttpHarness({
    intake: {
      maxRequestBytes: 100 * KIB,
      maxInflatedBytes: 200 * KIB,
      maxJsonBytes: 20 * KIB,
      maxItems: 300,
    },
  });
  const port = await harness.listen(tenantNamed("sbx_a"));
  const json = { "content-type": "application/json" };
  const cases = [
    { body: Buffer.alloc(100 * KIB + 1) },
    { body: Buffer.alloc(100 * KIB + 1), headers: CHUNKED },
    { body: gzipSync(Buffer.alloc(200 * KIB + 1)), headers: GZIP },
    { body: gzipSync(Buffer.alloc(200 * KIB + 1)), headers: { ...GZIP, ...CHUNKED } },
    { body: " ".repeat(20 * KIB + 1), headers: json },
    { body: gzipSync(" ".repeat(20 * KIB + 1)), headers: { ...json, ...GZIP } },
    { body: spanBatch(301) },
  ];
  for (const sent of cases) {
    const answer = await call(port, sent);
    assert.equal(answer.status, 413);
    assert.equal(answer.headers["retry-after"], undefined);
  }
  assert.deepEqual(harness.intake.counts("sbx_a").refused, { too_large: cases.length });
  assert.equal((await call(port, { body: spanBatch(300) })).status, 200);
  assert.equal(harness.intake.heldBytes, 0);
});

test("a request that is much too large is refused before it is sent", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  const connection = await harness.connect(port);
  connection.write(requestHead([`Content-Length: ${2 ** 40}`]));
  await connection.until(413);
  assert.equal(harness.intake.heldBytes, 0);
});

test("what a sender may send a second is 429 with the time to come again, and the next second it is taken", async () => {
  let now = 0;
  await using harness = new HttpHarness({ intake: { now: () => now } });
  const slow = await harness.listen(tenantNamed("sbx_slow", { itemsPerSecond: 100 }));
  const narrow = await harness.listen(tenantNamed("sbx_narrow", { bytesPerSecond: 10 * KIB }));
  const other = await harness.listen(tenantNamed("sbx_other"));
  const body = spanBatch(120);
  for (const [port, waitS] of [
    [slow, 1],
    [narrow, 3],
  ] as const) {
    assert.equal((await call(port, { body })).status, 200);
    const refused = await call(port, { body });
    assert.equal(refused.status, 429);
    assert.equal(refused.headers["retry-after"], String(waitS));
    const { code, retryDelayMs = 0 } = readRpcStatus(refused.body);
    assert.equal(code, 8);
    assert.ok(retryDelayMs > (waitS - 1) * 1000 && retryDelayMs <= waitS * 1000, String(retryDelayMs));
    assert.equal((await call(other, { body })).status, 200);
    now += waitS * 1000;
    assert.equal((await call(port, { body })).status, 200);
  }
  assert.deepEqual(harness.intake.counts("sbx_slow").refused, { rate_limited: 1 });
  assert.equal(harness.intake.counts("sbx_slow").spans, 240);
});

test("a body that is small on the wire counts as large as it is inflated", async () => {
  let now = 0;
  await using harness = new HttpHarness({ intake: { now: () => now } });
  const port = await harness.listen(tenantNamed("sbx_a", { bytesPerSecond: 16 * KIB }));
  const body = gzipSync(spanBatch(400));
  assert.ok(body.length < 16 * KIB, String(body.length));
  assert.equal((await call(port, { body, headers: GZIP })).status, 200);
  const waitMs = (spanBatch(400).length / (16 * KIB) - 2) * 1000;
  assert.ok(waitMs > 0);
  const refused = await call(port, { body: spanBatch(1) });
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers["retry-after"]) * 1000 >= waitMs, refused.headers["retry-after"]);
  now += 60_000;
  assert.equal((await call(port, { body: spanBatch(1) })).status, 200);
});

test("bytes in flight are limited by what is announced, for a sender and for all of them", async () => {
  await using harness = new HttpHarness({ intake: { totalInFlightBytes: 350 * KIB } });
  const tenant = { inFlightBytes: 250 * KIB };
  const [a, b, c] = [
    await harness.listen(tenantNamed("sbx_a", tenant)),
    await harness.listen(tenantNamed("sbx_b", tenant)),
    await harness.listen(tenantNamed("sbx_c", tenant)),
  ];
  const announce = requestHead([`Content-Length: ${150 * KIB}`]);
  const first = await harness.connect(a);
  first.write(announce);
  await harness.untilHeld(150 * KIB);
  const second = await harness.connect(a);
  second.write(announce);
  await second.until(429);
  // More than what would be left for others then.
  const third = await harness.connect(b);
  third.write(requestHead([`Content-Length: ${240 * KIB}`]));
  await third.until(503);
  // A sender that wants little is served all the same.
  assert.equal((await call(c, { body: spanBatch(10) })).status, 200);
  first.socket.destroy();
  await harness.intake.settled("sbx_a");
  assert.equal(harness.intake.heldBytes, 0);
  assert.deepEqual(harness.intake.counts("sbx_a").refused, { in_flight: 1, aborted: 1 });
  assert.deepEqual(harness.intake.counts("sbx_b").refused, { overloaded: 1 });
  assert.equal((await call(b, { body: spanBatch(10) })).status, 200);
});

test("what alone is more than a sender may have in flight is too large, not to be tried again", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a", { inFlightBytes: 100 * KIB }));
  assert.equal((await call(port, { body: Buffer.alloc(100 * KIB) })).status, 413);
  assert.equal((await call(port, { body: gzipSync(Buffer.alloc(100 * KIB)), headers: GZIP })).status, 413);
});

test("a sandbox that nobody has claimed is told to try again, and taken once it is", async () => {
  await using harness = new HttpHarness();
  const tenant = { ...tenantNamed("sbx_a", {}, false) };
  const port = await harness.listen(tenant);
  const body = spanBatch(1);
  const refused = await call(port, { body });
  assert.equal(refused.status, 503);
  assert.equal(refused.headers["retry-after"], "1");
  Object.assign(tenant, { stamp: tenantNamed("sbx_a").stamp });
  assert.equal((await call(port, { body })).status, 200);
  assert.deepEqual(harness.intake.counts("sbx_a").refused, { not_ready: 1 });
});

test("what cannot be kept now is 503, what never can is 413, and the reason stays here", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  const body = spanBatch(1);
  harness.sink.before = () => Promise.reject(new Error("no space left on /var/lib/sandglass"));
  const refused = await call(port, { body });
  assert.equal(refused.status, 503);
  assert.equal(refused.headers["retry-after"], "1");
  assert.ok(!refused.body.includes("/var/lib"));
  assert.match(String(harness.errors[0]), /no space left/);
  harness.sink.before = () => {
    throw new SandglassError("PAYLOAD_TOO_LARGE", "16 MiB");
  };
  assert.equal((await call(port, { body })).status, 413);
  assert.deepEqual(harness.intake.counts("sbx_a").refused, { unavailable: 1, too_large: 1 });
  assert.equal(harness.intake.counts("sbx_a").spans, 0);
});

test("data points of too many streams are left out, and the answer says how many", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a", { metricStreams: 2 }));
  const point = (value: string): Buffer => sized(1, sized(7, sized(1, "k"), sized(2, sized(1, value))));
  const body = (...values: string[]): Buffer =>
    sized(1, sized(2, sized(2, sized(1, "calls"), sized(5, ...values.map(point)))));
  const first = await call(port, { path: "/v1/metrics", body: body("a", "b", "c", "a", "d") });
  assert.equal(first.status, 200);
  assert.equal(readExportResponse(first.body)?.rejected, 2);
  const second = await call(port, { path: "/v1/metrics", body: body("e") });
  assert.equal(readExportResponse(second.body)?.rejected, 1);
  assert.deepEqual(
    harness.sink.requests.map(({ items }) => items),
    [3],
  );
  const { dataPoints, rejectedItems } = harness.intake.counts("sbx_a");
  assert.deepEqual({ dataPoints, rejectedItems }, { dataPoints: 3, rejectedItems: { metric_streams: 3 } });
});
