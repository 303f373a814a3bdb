import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { until } from "@sandglass/testkit";
import { sized } from "../relay/testing/forge.ts";
import { tenantNamed } from "./testing/grpc-harness.ts";
import { gzipBomb } from "./testing/gzip-bomb.ts";
import { call, HttpHarness, requestHead } from "./testing/http-harness.ts";
import { spanBatch } from "./testing/span-batch.ts";

const MIB = 1024 * 1024;
const GZIP = "Content-Encoding: gzip";

test("bombs of 1 GB, sent over many connections at once, take no more memory than the limits", async () => {
  const bomb = gzipBomb(1024 * MIB);
  await using harness = new HttpHarness({ intake: { workMsPerSecond: 1e6 } });
  const [port, other] = [
    await harness.listen(tenantNamed("sbx_a", { bytesPerSecond: 1024 * MIB })),
    await harness.listen(tenantNamed("sbx_b")),
  ];
  const explode = async (): Promise<void> => {
    const connections = await Promise.all(Array.from({ length: 5 }, () => harness.connect(port)));
    const head = requestHead([GZIP, "Connection: close"], bomb.length);
    for (const connection of connections) connection.write(head, bomb);
    assert.equal((await call(other, { body: spanBatch(10) })).status, 200);
    await Promise.all(connections.map(({ closed }) => closed));
    for (const { statuses } of connections) assert.ok([413, 429].includes(statuses[0]!), statuses.join());
  };
  await explode();
  const before = process.memoryUsage().rss;
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 1);
  for (let round = 0; round < 2; round++) await explode();
  clearInterval(timer);
  assert.ok(peak - before < 100 * MIB, `${(peak - before) / MIB} MiB more`);
  assert.equal(harness.intake.heldBytes, 0);
  assert.deepEqual(harness.sink.requests.length, 3);
  // One in another is inflated once.
  const nested = gzipSync(gzipSync(Buffer.alloc(MIB)));
  assert.equal((await call(port, { body: nested, headers: { "content-encoding": "gzip" } })).status, 400);
});

test("a sender of bombs is told to wait, and others are not", async () => {
  let now = 0;
  await using harness = new HttpHarness({ intake: { now: () => now } });
  const [port, other] = [
    await harness.listen(tenantNamed("sbx_a")),
    await harness.listen(tenantNamed("sbx_b")),
  ];
  const body = gzipSync(Buffer.alloc(64 * MIB));
  const headers = { "content-encoding": "gzip" };
  const statuses: number[] = [];
  while (!statuses.includes(429)) statuses.push((await call(port, { body, headers })).status);
  assert.ok(statuses.length < 20, statuses.join());
  assert.equal((await call(other, { body: spanBatch(1) })).status, 200);
  now = 10_000;
  assert.equal((await call(port, { body: spanBatch(1) })).status, 200);
});

test("a thousand connections that trickle harm nobody", async () => {
  await using harness = new HttpHarness();
  const [port, other] = [
    await harness.listen(tenantNamed("sbx_a")),
    await harness.listen(tenantNamed("sbx_b")),
  ];
  const slow = await Promise.all(Array.from({ length: 1000 }, () => harness.connect(port)));
  for (const connection of slow) {
    if (connection.socket.writable) connection.write(requestHead([], 1_000_000), "\n");
  }
  await until(
    "all beyond the limit are refused",
    () => harness.intake.counts("sbx_a").refused.connections === 872,
  );
  const body = spanBatch(1);
  for (let round = 0; round < 20; round++) {
    for (const { socket } of slow) if (socket.writable) socket.write("\n");
    assert.equal((await call(other, { body })).status, 200);
  }
  // No more than what it may have in flight, though it has announced 128 MB.
  assert.ok(harness.intake.heldBytes <= 32 * MIB);
});

test("a body in chunks of a byte each takes no more memory than one in one piece, and is soon too much", async () => {
  let now = 0;
  await using harness = new HttpHarness({ intake: { now: () => now } });
  const port = await harness.listen(tenantNamed("sbx_a", { bytesPerSecond: MIB }));
  const connection = await harness.connect(port);
  const before = process.memoryUsage().rss;
  connection.write(requestHead(["Transfer-Encoding: chunked"]));
  // 2 MiB a burst, of which a byte takes 257.
  connection.write("1\r\nx\r\n".repeat(8100));
  await harness.untilHeld(8000);
  assert.deepEqual(connection.statuses, []);
  connection.write("1\r\nx\r\n".repeat(200));
  await connection.until(429);
  assert.ok(process.memoryUsage().rss - before < 30 * MIB);
  connection.write("1\r\nx\r\n".repeat(10_000));
  await connection.closed;
  now = 10_000;
  assert.equal((await call(port, { body: spanBatch(1) })).status, 200);
});

test("headers and bodies that trickle are cut when their time is over", async () => {
  await using harness = new HttpHarness({ bodyTimeoutMs: 300, idleTimeoutMs: 300 });
  const port = await harness.listen(tenantNamed("sbx_a"));
  const slow = [await harness.connect(port), await harness.connect(port), await harness.connect(port)];
  const [head, body] = [requestHead([], 10_000), spanBatch(1)];
  slow[0]!.write(head);
  slow[1]!.write(requestHead([], body.length), body);
  slow[2]!.write(requestHead(["Transfer-Encoding: chunked"]));
  let at = 0;
  const trickle = setInterval(() => {
    slow[0]!.write("\n");
    slow[1]!.write(head[at++ % 50]!);
    slow[2]!.write("1\r\n\n\r\n");
  }, 20);
  await Promise.all(slow.map(({ closed }) => closed)).finally(() => clearInterval(trickle));
  await harness.server.drained("sbx_a");
  assert.equal(harness.intake.heldBytes, 0);
  assert.deepEqual(
    slow.map(({ statuses }) => statuses),
    [[], [200], []],
  );
  assert.deepEqual(harness.intake.counts("sbx_a").refused, { timed_out: 2 });
});

test("bytes that are no HTTP, or no requests of OTLP, are refused and harm nobody", async () => {
  await using harness = new HttpHarness();
  const [port, other] = [
    await harness.listen(tenantNamed("sbx_a")),
    await harness.listen(tenantNamed("sbx_b")),
  ];
  const garbage = [
    randomBytes(1000),
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    Buffer.from("GET / HTTP/9.9\r\n\r\n"),
    Buffer.from(`POST /v1/traces HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`),
    Buffer.from(requestHead(["Content-Length: 5", "Transfer-Encoding: chunked"])),
    Buffer.from(requestHead(["Content-Length: -5"])),
    Buffer.from(`${requestHead(["Transfer-Encoding: chunked"])}no size\r\n`),
    Buffer.from("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
  ];
  for (const bytes of garbage) {
    const connection = await harness.connect(port);
    connection.write(bytes);
    await connection.closed;
    assert.ok(!connection.statuses.includes(200));
  }
  for (let round = 0; round < 200; round++) {
    const body = randomBytes(1 + (round % 100));
    assert.ok([200, 400].includes((await call(port, { body })).status));
  }
  assert.equal((await call(other, { body: spanBatch(1) })).status, 200);
  assert.ok((harness.intake.counts("sbx_a").refused.malformed ?? 0) >= garbage.length - 1);
  assert.equal(harness.intake.heldBytes, 0);
});

test("what is nested too deep is malformed, in protobuf and in JSON", async () => {
  await using harness = new HttpHarness();
  const port = await harness.listen(tenantNamed("sbx_a"));
  let value: Buffer = sized(1, "deep");
  for (let depth = 0; depth < 200; depth++) value = sized(5, sized(1, value));
  const body = sized(1, sized(2, sized(2, sized(9, sized(1, "k"), sized(2, value)))));
  assert.equal((await call(port, { body })).status, 400);
  const headers = { "content-type": "application/json" };
  for (const json of [`${"[".repeat(140_000)}`, `{"resourceSpans":${"[".repeat(5000)}${"]".repeat(5000)}}`]) {
    assert.equal((await call(port, { headers, body: json })).status, 400);
  }
});

test("a sender that goes on sending what is refused has its connections cut", async () => {
  let now = 0;
  await using harness = new HttpHarness({ intake: { now: () => now } });
  const port = await harness.listen(tenantNamed("sbx_a", { bytesPerSecond: 100_000 }));
  const other = await harness.listen(tenantNamed("sbx_b"));
  const connection = await harness.connect(port);
  connection.write(requestHead([`Content-Length: ${2 ** 40}`]));
  await connection.until(413);
  const piece = Buffer.alloc(10_000);
  const flood = setInterval(() => connection.socket.write(piece), 1);
  await connection.closed;
  clearInterval(flood);
  const again = await harness.connect(port);
  await again.closed;
  assert.deepEqual(harness.intake.counts("sbx_a").refused, { too_large: 1, connections: 1 });
  assert.equal((await call(other, { body: spanBatch(1) })).status, 200);
  now = 60_000;
  assert.equal((await call(port, { body: spanBatch(1) })).status, 200);
});
