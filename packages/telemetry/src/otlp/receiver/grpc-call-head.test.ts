import assert from "node:assert/strict";
import { test } from "node:test";
import { readCallHead } from "./grpc-call-head.ts";

const HEADERS = {
  ":method": "POST",
  ":path": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
  "content-type": "application/grpc+proto",
};

test("a call says its signal, its encoding and its time", () => {
  const plain = { kind: "call", signal: "logs", encoding: "identity", timeoutMs: undefined };
  assert.deepEqual(readCallHead(HEADERS), plain);
  assert.deepEqual(readCallHead({ ...HEADERS, "grpc-encoding": "gzip", "grpc-timeout": "10S" }), {
    ...plain,
    encoding: "gzip",
    timeoutMs: 10_000,
  });
});

test("no headers at all, and any one missing, are no call", () => {
  assert.deepEqual(readCallHead({}), { kind: "http", httpStatus: 405 });
  for (const name of Object.keys(HEADERS))
    assert.notEqual(readCallHead({ ...HEADERS, [name]: undefined }).kind, "call");
});
