import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http2";
import { readCallHead } from "../../../packages/telemetry/src/otlp/receiver/grpc-call-head.ts";
import {
  GrpcMessageReader,
  type MessagePrefix,
} from "../../../packages/telemetry/src/otlp/receiver/grpc-message-reader.ts";
import {
  CLIENT_PREFACE,
  recognisePreface,
} from "../../../packages/telemetry/src/otlp/receiver/grpc-preface.ts";
import { parseGrpcTimeout } from "../../../packages/telemetry/src/otlp/receiver/grpc-timeout.ts";
import type { FuzzTarget } from "../fuzz-target.ts";
import { pieces } from "./agent-frames.ts";

/** Larger ones are refused by their prefix. */
const MAX_MESSAGE_BYTES = 1000;
/** So few pieces are never too many. */
const MAX_PIECES = 60;
const CALL = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const EXPORT =
  /^\/opentelemetry\.proto\.collector\.(?:trace\.v1\.Trace|logs\.v1\.Logs|metrics\.v1\.Metrics)Service\/Export$/;
const NANOS: Readonly<Record<string, bigint>> = {
  ...{ n: 1n, u: 1000n, m: 1_000_000n, S: 1_000_000_000n, M: 60_000_000_000n, H: 3_600_000_000_000n },
};

/** What a connection to the collector's gRPC begins with, the head of a call (`name value`, a line each) and the frame of its message. */
export const grpcFraming: FuzzTarget = {
  name: "grpc-framing",
  watched: [
    "/receiver/grpc-message-reader.ts",
    "/receiver/grpc-call-head.ts",
    "/receiver/grpc-timeout.ts",
    "/receiver/grpc-preface.ts",
  ],
  words: [
    ...[
      "\0\0\0\0\x05",
      "\x01\0\0\0\x01",
      "\x02",
      "\xff\xff\xff\xff",
      "\0\0\0\0\0",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "PRI ",
    ].map((text) => Buffer.from(text, "latin1")),
    ...[
      "GET /",
      "POST /v1/traces HTTP/1.1\r\n",
      "A",
      " ",
      "\n",
      ":method POST\n",
      "content-type application/grpc\n",
    ],
    ...[
      "content-type application/grpc+proto; x",
      "application/grpc+json",
      `:path ${CALL}\n`,
      "grpc-timeout ",
      "grpc-encoding gzip",
    ],
    ...[
      "99999999",
      "7000000n",
      "1",
      "000000001S",
      "H",
      "M",
      "S",
      "m",
      "u",
      "n",
      "-",
      "+",
      ".",
      "x".repeat(300),
    ],
  ],
  seeds: [
    "\0\0\0\0\x05hello",
    "\x01\0\0\0\x03abc\0",
    CLIENT_PREFACE,
    "GET / HTTP/1.1\r\n",
    `:method POST\ncontent-type application/grpc\n:path ${CALL}\ngrpc-timeout 20m\ngrpc-encoding gzip`,
    "16000001n",
  ],
  check: (input) =>
    [checkMessage(input), checkPreface(input), checkHead(input), checkTimeout(input)].join(" "),
};

function checkMessage(input: Buffer): string {
  const cut = pieces(input, Math.ceil(input.length / 8));
  const ways = [[input], ...(cut.length <= MAX_PIECES ? [cut] : [])];
  const flag = input[0] ?? 0;
  const size = input.length < 5 ? 0 : input.readUInt32BE(1);
  const body = input.subarray(5);
  let state = "more";
  if (input.length >= 5 && flag > 1) state = "bad_flag";
  else if (input.length >= 5 && size > MAX_MESSAGE_BYTES) state = "refused";
  else if (input.length >= 5 && body.length >= size) state = body.length === size ? "complete" : "surplus";
  for (const way of ways) {
    const asked: MessagePrefix[] = [];
    const reader = new GrpcMessageReader(
      (prefix) => asked.push(prefix) > 0 && prefix.sizeBytes <= MAX_MESSAGE_BYTES,
    );
    for (const piece of way) reader.push(Buffer.from(piece));
    assert.equal(reader.state, state);
    assert.equal(reader.isEmpty, input.length === 0);
    if (state === "complete") assert.deepEqual(reader.message, body);
    const isAsked = input.length >= 5 && flag <= 1;
    assert.deepEqual(asked, isAsked ? [{ isCompressed: flag === 1, sizeBytes: size }] : []);
    reader.release();
    assert.equal(reader.message.length, 0);
  }
  return state;
}

/** What is decided stays so, and is decided soon. */
function checkPreface(input: Buffer): string {
  const whole = recognisePreface(input);
  const isHttp2 = input.subarray(0, CLIENT_PREFACE.length).equals(CLIENT_PREFACE);
  assert.equal(whole === "http2", isHttp2);
  assert.ok(whole !== "incomplete" || input.length < CLIENT_PREFACE.length, "24 bytes do not decide");
  for (let length = 0; length <= Math.min(input.length, 2 * CLIENT_PREFACE.length); length++) {
    const early = recognisePreface(input.subarray(0, length));
    assert.ok(early === "incomplete" || early === whole, `${early} by ${length} bytes, then ${whole}`);
  }
  return whole;
}

function checkHead(input: Buffer): string {
  const headers: IncomingHttpHeaders = Object.create(null);
  for (const line of input.toString("latin1").split("\n")) {
    const [, name, value] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (name !== undefined) headers[name] = value;
  }
  const head = readCallHead(headers);
  if (head.kind === "http") {
    assert.equal(head.httpStatus, headers[":method"] === "POST" ? 415 : 405);
    return `${head.httpStatus}`;
  }
  assert.equal(headers[":method"], "POST");
  assert.match(String(headers["content-type"]), /^application\/grpc(?:\+proto)?\s*(?:;|$)/i);
  const timeout = headers["grpc-timeout"];
  const nanos = timeout === undefined ? undefined : nanosOf(String(timeout));
  const isCall = EXPORT.test(headers[":path"] ?? "") && (timeout === undefined || nanos !== undefined);
  assert.equal(head.kind === "call", isCall);
  if (head.kind === "refused") return `${head.status.code}`;
  assert.equal(head.encoding, headers["grpc-encoding"] ?? "identity");
  return `${head.signal} ${head.timeoutMs === undefined}`;
}

function checkTimeout(input: Buffer): string {
  const nanos = nanosOf(input.toString("latin1"));
  const expected = nanos === undefined ? undefined : Number((nanos + 999_999n) / 1_000_000n);
  assert.equal(parseGrpcTimeout(input.toString("latin1")), expected, "rounded up to milliseconds");
  return `${expected === undefined}`;
}

/** By whole numbers. */
function nanosOf(text: string): bigint | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  return digits === undefined ? undefined : BigInt(digits) * (NANOS[unit as string] as bigint);
}
