import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { duplexPair } from "node:stream";
import { readPlainHead } from "../../../packages/telemetry/src/otlp/receiver/http-plain-head.ts";
import { readRequestHead } from "../../../packages/telemetry/src/otlp/receiver/http-request-head.ts";
import { DEFAULT_TENANT_LIMITS, type Tenant } from "../../../packages/telemetry/src/otlp/receiver/tenant.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

const TENANT: Tenant = { id: "sbx_fuzz", origin: "sandbox", stamp: undefined, limits: DEFAULT_TENANT_LIMITS };
const MAX_BODY_BYTES = 4096;
const FIELDS = "Host: 127.0.0.1:4318\r\nContent-Type: application/x-protobuf\r\nContent-Length: 3\r\n";

let server: Server | undefined;

/** Heads of requests that the collector reads without a parser of HTTP: whatever it takes, Node's reads in the same way. */
export const plainHeads: FuzzTarget = {
  name: "plain-heads",
  watched: ["/receiver/http-plain-head.ts"],
  words: [
    ...[
      "\r\n",
      "\r\n\r\n",
      "\n",
      "\r",
      ":",
      " ",
      "\t",
      "\0",
      "\x7f",
      "\x80",
      FIELDS,
      "GET ",
      "POST /v1/logs HTTP/1.1\r\n",
    ],
    ...[
      "POST /v1/metrics HTTP/1.1\r\n",
      " HTTP/1.0",
      "/v1/traces?x",
      "Host: x\r\n",
      "host:\r\n",
      "Content-Length: 0\r\n",
    ],
    ...[
      "Content-Length: 03\r\n",
      "content-length: +3\r\n",
      "Content-Length: 3, 3\r\n",
      "Content-Length : 3\r\n",
      "12345678",
    ],
    ...[
      "Transfer-Encoding: chunked\r\n",
      "Expect: 100-continue\r\n",
      "Connection: close\r\n",
      "connection: Keep-Alive\r\n",
    ],
    ...[
      "Content-Encoding: gzip\r\n",
      "Content-Encoding: br\r\n",
      "content-encoding: identity\r\n",
      "Origin: null\r\n",
    ],
    ...[
      "Content-Type: application/json\r\n",
      "; charset=utf-8",
      "User-Agent: a/1 (b)\r\n",
      " folded\r\n",
      "Accept: */*\r\n",
    ],
    ...["Upgrade: h2c\r\n", "traceparent: 00\r\n", "baggage: a=b\r\n", "x".repeat(500)],
  ],
  seeds: [
    `POST /v1/traces HTTP/1.1\r\n${FIELDS}\r\nabc`,
    `POST /v1/logs HTTP/1.1\r\n${FIELDS}Content-Encoding: gzip\r\nUser-Agent: a\r\nConnection: keep-alive\r\n\r\nab`,
    `POST /v1/metrics HTTP/1.1\r\nhost:\r\ncontent-type:application/json\r\ncontent-length: 1\r\naccept: */*\r\n\r\nabcd`,
  ],
  async check(input) {
    const head = readPlainHead(input);
    if (head === undefined) return "not plain";
    const { bodyStart, ...plain } = head;
    const isLong = plain.contentLength > MAX_BODY_BYTES;
    const missing = isLong ? 0 : Math.max(0, bodyStart + plain.contentLength - input.length);
    const whole = Buffer.concat([input, Buffer.alloc(missing)]).subarray(0, bodyStart + plain.contentLength);
    const { request, body } = await readByNode(whole, isLong);
    assert.deepEqual(readRequestHead(request, TENANT, request.url ?? ""), plain);
    assert.equal(request.httpVersion, "1.1");
    assert.ok(request.headers.expect === undefined && request.headers.upgrade === undefined);
    assert.notEqual(request.headers.connection, "close");
    if (!isLong) assert.deepEqual(body, whole.subarray(bodyStart), "another body");
    return `${plain.signal} ${plain.encoding} ${plain.isGzip} ${isLong}`;
  },
  close() {
    server?.close();
    server = undefined;
    return Promise.resolve();
  },
};

/** @param isLong its body is not waited for */
function readByNode(bytes: Buffer, isLong: boolean): Promise<{ request: IncomingMessage; body: Buffer }> {
  server ??= createServer({ headersTimeout: 0, requestTimeout: 0 });
  const by = server;
  const [near, far] = duplexPair();
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      by.removeAllListeners("request").removeAllListeners("clientError");
      near.destroy();
      far.destroy();
      finish();
    };
    by.once("request", (request: IncomingMessage) => {
      const chunks: Buffer[] = [];
      const done = (): void => settle(() => resolve({ request, body: Buffer.concat(chunks) }));
      request.on("error", () => {}); // that it was cut off
      if (isLong) done();
      else request.on("end", done).on("data", (chunk: Buffer) => chunks.push(chunk));
    });
    by.once("clientError", (error) => settle(() => reject(error)));
    near.on("error", () => {}).resume();
    far.on("error", () => {});
    by.emit("connection", far);
    near.write(bytes);
  });
}
