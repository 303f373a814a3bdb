import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { until } from "@sandglass/testkit";
import { tenantNamed } from "./testing/grpc-harness.ts";
import { HttpHarness, requestHead } from "./testing/http-harness.ts";
import { spanBatch } from "./testing/span-batch.ts";

const LIMITS = { connections: 10_000, bytesPerSecond: 1e9, itemsPerSecond: 1e9 };
const harness = new HttpHarness({ intake: { workMsPerSecond: 1e6 } });
const tenant = tenantNamed("sbx_a", LIMITS);
/** All that it is given is read by node:http. */
const reference = createServer((request, response) => {
  void harness.server.handle(request, response, tenant, request.url ?? "/");
});
let [plainPort, referencePort] = [0, 0];
before(async () => {
  plainPort = await harness.listen(tenant);
  await new Promise<void>((resolve) => reference.listen(0, "127.0.0.1", resolve));
  referencePort = (reference.address() as AddressInfo).port;
});
after(async () => {
  reference.close();
  await harness[Symbol.asyncDispose]();
});

/** What became of these bytes, sent in these pieces by someone who sends nothing behind them. */
async function outcome(
  port: number,
  pieces: readonly Uint8Array[],
): Promise<{ received: string; items: number[] }> {
  harness.sink.requests.length = 0;
  const connection = await harness.connect(port);
  for (const piece of pieces) {
    if (connection.socket.writable) connection.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  connection.socket.end();
  await connection.closed;
  await harness.intake.settled("sbx_a");
  const received = connection.received.replace(/^Date: .*$/gm, "Date");
  return { received, items: harness.sink.requests.map(({ items }) => items) };
}

const BODY = spanBatch(3);
const PLAIN = requestHead(["User-Agent: test", "Connection: keep-alive"], BODY.length);
const bytesOf = (...parts: (string | Uint8Array)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)));

test("a plain request has the answer, byte for byte, that node:http gives", async () => {
  const json = "Content-Type: application/json";
  const gzipped = gzipSync(BODY);
  const plainly = (head: string): string => head.replace("Content-Type: application/x-protobuf\r\n", "");
  const cases: Buffer[] = [
    bytesOf(PLAIN, BODY),
    bytesOf(requestHead(["Content-Encoding: gzip"], gzipped.length), gzipped),
    bytesOf(requestHead(["Content-Encoding: gzip"], BODY.length), BODY),
    bytesOf(requestHead([], 3), "bad"),
    bytesOf(requestHead([], BODY.length, "/v1/metrics"), BODY),
    bytesOf(plainly(requestHead([json], 2)), "{}"),
    bytesOf(plainly(requestHead([json], 2)), "{!"),
  ];
  for (const bytes of cases) {
    const [ours, theirs] = [await outcome(plainPort, [bytes]), await outcome(referencePort, [bytes])];
    // How long a connection is kept is each server's own.
    const settled = theirs.received.replace(/timeout=\d+/, "timeout=60");
    assert.deepEqual({ ...ours }, { ...theirs, received: settled }, bytes.toString("latin1", 0, 300));
  }
});

test("what could be read in two ways is read by node:http alone", async () => {
  const length = `Content-Length: ${BODY.length}`;
  const chunked = `${BODY.length.toString(16)}\r\n`;
  const fields: string[][] = [
    [length, "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", length],
    ["Transfer-Encoding : chunked", length],
    ["Transfer-Encoding: identity", length],
    [length, length],
    [length, "Content-Length: 1"],
    ["Content-Length: 1", length],
    [`Content-Length: ${BODY.length}, ${BODY.length}`],
    [`Content-Length: +${BODY.length}`],
    [`Content-Length: 0${BODY.length}`],
    [`Content-Length: 0x${BODY.length.toString(16)}`],
    [`Content-Length: ${BODY.length}.0`],
    ["Content-Length: -1"],
    [`Content-Length: ${"9".repeat(30)}`],
    [`Content-Length:\t${BODY.length}`],
    [`Content-Length\r\n : ${BODY.length}`],
    [`User-Agent: a\r\n ${length}`, length],
    [`User-Agent: a\n${length}`],
    [`User-Agent: a\r${length}`, "Content-Length: 1"],
    [`User-Agent: a\0b`, length],
    [`Host: another`, length],
    ["Connection: close", length],
    ["Connection: upgrade", "Upgrade: h2c", length],
    ["Connection: content-length", length],
    ["Content-Encoding: gzip, gzip", length],
    ["Content-Type: application/json", length],
    [`X-Long: ${"x".repeat(5000)}`, length],
    [`User-Agent: ${"x".repeat(20_000)}`, length],
  ];
  for (const list of fields) {
    const bytes = bytesOf(requestHead(list), BODY);
    const [ours, theirs] = [await outcome(plainPort, [bytes]), await outcome(referencePort, [bytes])];
    assert.deepEqual(ours.items, theirs.items, list.join());
    assert.equal(statusOf(ours.received), statusOf(theirs.received), list.join());
  }
  for (const line of [
    "POST /v1/traces HTTP/1.0",
    "POST  /v1/traces HTTP/1.1",
    "GET /v1/traces HTTP/1.1",
    "\r\nPOST /v1/traces HTTP/1.1",
  ]) {
    const bytes = bytesOf(PLAIN.replace("POST /v1/traces HTTP/1.1", line), BODY);
    const [ours, theirs] = [await outcome(plainPort, [bytes]), await outcome(referencePort, [bytes])];
    assert.deepEqual([ours.items, statusOf(ours.received)], [theirs.items, statusOf(theirs.received)], line);
  }
  const smuggled = bytesOf(
    requestHead([length, "Transfer-Encoding: chunked"]),
    chunked,
    BODY,
    "\r\n0\r\n\r\n",
  );
  assert.deepEqual((await outcome(plainPort, [smuggled])).items, []);
});

/** Of the last answer: one that is no HTTP any more is told so ahead of what is still being taken, or behind it. */
function statusOf(received: string): string | undefined {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].at(-1)?.[1];
}

test("whatever is changed in a request, and however it is cut, what is taken of it is what node:http takes", async () => {
  const random = generator(7);
  const pick = (bound: number): number => Math.floor(random() * bound);
  const marks = [
    "\r",
    "\n",
    "\r\n",
    " ",
    ":",
    "\t",
    "0",
    "9",
    ",",
    ";",
    "\0",
    "\x80",
    "\r\n\r\n",
    "Content-Length: 5\r\n",
  ];
  for (let round = 0; round < 250; round++) {
    let head = PLAIN;
    for (let change = pick(3); change >= 0; change--) {
      const at = pick(head.length);
      head = head.slice(0, at) + marks[pick(marks.length)]! + head.slice(at + pick(3));
    }
    const bytes = bytesOf(round % 5 === 0 ? PLAIN : head, BODY, PLAIN, BODY);
    const cuts = Array.from({ length: pick(4) }, () => pick(bytes.length)).sort((a, b) => a - b);
    const pieces = [...cuts, bytes.length].map((cut, index) => bytes.subarray(cuts[index - 1] ?? 0, cut));
    const [ours, theirs] = [await outcome(plainPort, pieces), await outcome(referencePort, pieces)];
    assert.deepEqual(ours.items, theirs.items, JSON.stringify(head));
  }
});

/** Numbers from 0 to 1, the same for a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("thousands of requests that wait for no answer are taken one after the other, also where answers are read late", async () => {
  harness.sink.requests.length = 0;
  const connection = await harness.connect(plainPort);
  connection.socket.pause();
  const request = bytesOf(PLAIN, BODY);
  for (let sent = 0; sent < 2000; sent++) connection.write(request);
  connection.write(requestHead(["Connection: close"], BODY.length), BODY);
  await until("some are taken", () => harness.sink.requests.length > 10);
  connection.socket.resume();
  await connection.closed;
  assert.equal(connection.statuses.length, 2001);
  assert.ok(connection.statuses.every((status) => status === 200));
  assert.equal(harness.sink.requests.length, 2001);
  assert.equal(harness.intake.heldBytes, 0);
});

test("behind plain requests anything may come, and the connection goes on", async () => {
  const connection = await harness.connect(plainPort);
  connection.write(PLAIN, BODY, requestHead(["Transfer-Encoding: chunked"]));
  connection.write(`${BODY.length.toString(16)}\r\n`, BODY, "\r\n0\r\n\r\n", PLAIN, BODY);
  connection.write(requestHead(["Expect: 100-continue"], BODY.length));
  await connection.until(100);
  connection.write(BODY, requestHead(["Connection: close"], BODY.length, "/nowhere"), BODY);
  await connection.closed;
  assert.deepEqual(connection.statuses, [200, 200, 200, 100, 200, 404]);
});

test("a sender that is refused is told so, and goes on over the same connection", async () => {
  let now = 0;
  await using limited = new HttpHarness({ intake: { now: () => now } });
  const port = await limited.listen(tenantNamed("sbx_b", { bytesPerSecond: 100_000 }));
  const connection = await limited.connect(port);
  const large = spanBatch(2000);
  connection.write(requestHead([], large.length), large);
  await connection.until(200);
  connection.write(PLAIN, BODY);
  await connection.until(429);
  now = 1e6;
  connection.write(requestHead(["Connection: close"], BODY.length), BODY);
  await connection.closed;
  assert.deepEqual(connection.statuses, [200, 429, 200]);
  assert.deepEqual(limited.intake.counts("sbx_b").refused, { rate_limited: 1 });
  assert.equal(limited.intake.heldBytes, 0);
});
