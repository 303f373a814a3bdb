import { connect, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { spanBatch } from "./span-batch.ts";

/**
 * A program that sends batches of spans over HTTP as fast as they are answered, from prepared bytes, and writes one line of JSON when
 * it is done: what it sent, and how many answers were no 200.
 *
 *     node http-load.ts --port 4318 --requests 10000 --connections 4 --spans 512 [--gzip]
 */
const { values } = parseArgs({
  options: {
    port: { type: "string" },
    requests: { type: "string", default: "2000" },
    connections: { type: "string", default: "4" },
    spans: { type: "string", default: "512" },
    gzip: { type: "boolean", default: false },
  },
});

const OK = Buffer.from("HTTP/1.1 200");
const END_OF_HEAD = Buffer.from("\r\n\r\n");

const spans = Number(values.spans);
const plain = spanBatch(spans);
const body = values.gzip ? gzipSync(plain) : plain;
const head =
  "POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:4318\r\nUser-Agent: load\r\n" +
  (values.gzip ? "Content-Encoding: gzip\r\n" : "") +
  `Content-Type: application/x-protobuf\r\nContent-Length: ${body.length}\r\n\r\n`;
const request = Buffer.concat([Buffer.from(head), body]);

let left = Number(values.requests);
let failed = 0;

/** One connection's share. Answers to what is taken have no body. */
function send(socket: Socket, done: () => void): void {
  socket.on("data", (answer: Buffer) => {
    if (!answer.subarray(0, OK.length).equals(OK) || !answer.includes(END_OF_HEAD)) failed++;
    next();
  });
  const next = (): void => {
    if (left-- > 0) socket.write(request);
    else socket.end(done);
  };
  next();
}

const startedAt = performance.now();
await Promise.all(
  Array.from(
    { length: Number(values.connections) },
    () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect({ port: Number(values.port), host: "127.0.0.1", noDelay: true }, () =>
          send(socket, resolve),
        );
        socket.on("error", reject);
      }),
  ),
);
const ms = performance.now() - startedAt;
const requests = Number(values.requests);
console.log(JSON.stringify({ requests, failed, spans: requests * spans, bytes: requests * body.length, ms }));
