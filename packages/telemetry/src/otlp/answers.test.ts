import assert from "node:assert/strict";
import { test } from "node:test";
import protobuf from "protobufjs";
import { exportResponseFromJson, readExportResponse } from "./export-response.ts";
import { readRpcStatus } from "./rpc-status.ts";
import { encodeResponse } from "./testing/oracle.ts";

test("a plain yes is nothing to act on, also with a partial success that holds nothing", () => {
  assert.equal(readExportResponse(new Uint8Array()), undefined);
  assert.equal(
    readExportResponse(encodeResponse("traces", { rejectedSpans: 0, errorMessage: "" })),
    undefined,
  );
  for (const json of [
    {},
    null,
    [],
    { partialSuccess: {} },
    { ok: 1 },
    { partialSuccess: { rejectedSpans: "0" } },
  ]) {
    assert.equal(exportResponseFromJson(json), undefined);
  }
});

test("what was rejected is read alike from protobuf and from JSON, for every signal", () => {
  const expected = { rejected: 3, message: "too old" };
  for (const [signal, name] of [
    ["traces", "rejectedSpans"],
    ["logs", "rejectedLogRecords"],
    ["metrics", "rejectedDataPoints"],
  ] as const) {
    const partialSuccess = { [name]: 3, errorMessage: "too old" };
    assert.deepEqual(readExportResponse(encodeResponse(signal, partialSuccess)), expected);
    assert.deepEqual(exportResponseFromJson({ partialSuccess }), expected);
    assert.deepEqual(
      exportResponseFromJson({ partialSuccess: { ...partialSuccess, [name]: "3" } }),
      expected,
    );
  }
});

test("a warning is a message with nothing rejected, and a negative count is none", () => {
  assert.deepEqual(readExportResponse(encodeResponse("logs", { errorMessage: "slow down" })), {
    rejected: 0,
    message: "slow down",
  });
  assert.equal(readExportResponse(encodeResponse("logs", { rejectedLogRecords: -5 })), undefined);
});

test("an answer that ends early is malformed", () => {
  const bytes = encodeResponse("traces", { rejectedSpans: 3, errorMessage: "too old" });
  for (let length = 1; length < bytes.length; length++) {
    assert.throws(() => readExportResponse(bytes.subarray(0, length)), { name: "MalformedOtlpError" });
  }
});

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
`);

function encode(type: string, value: Record<string, unknown>): Uint8Array {
  const message = root.lookupType(type);
  return message.encode(message.fromObject(value)).finish();
}

function statusWith(delay: Record<string, unknown>): Uint8Array {
  const details = [
    { typeUrl: "type.googleapis.com/google.rpc.DebugInfo", value: Buffer.from("not ours to read") },
    {
      typeUrl: "type.googleapis.com/google.rpc.RetryInfo",
      value: encode("RetryInfo", { retryDelay: delay }),
    },
  ];
  return encode("Status", { code: 14, message: "busy", details });
}

test("the delay of a RetryInfo among a status's details is read to the millisecond", () => {
  assert.deepEqual(readRpcStatus(statusWith({ seconds: 2, nanos: 500_000_001 })), {
    code: 14,
    message: "busy",
    retryDelayMs: 2501,
  });
});

test("a status without a delay, or with one that is no time to wait, names none", () => {
  assert.deepEqual(readRpcStatus(encode("Status", { code: 3, message: "bad" })), {
    code: 3,
    message: "bad",
    retryDelayMs: undefined,
  });
  for (const delay of [{}, { seconds: -5 }]) {
    assert.equal(readRpcStatus(statusWith(delay)).retryDelayMs, undefined);
  }
  assert.equal(readRpcStatus(statusWith({ seconds: 10_000_000_000 })).retryDelayMs, 3_600_000);
});
