import assert from "node:assert/strict";
import { test } from "node:test";
import { readRpcStatus } from "../rpc-status.ts";
import { percentEncode, trailersOf } from "./grpc-answer.ts";

test("a status message is printable ASCII, and decodes to what it was", () => {
  assert.equal(percentEncode('plain text, with ~ and "quotes"'), 'plain text, with ~ and "quotes"');
  assert.equal(percentEncode("100 %"), "100 %25");
  for (const text of ["grüße\r\nx: y", "\0\x7f", "日本 🙂", "%41"]) {
    const encoded = percentEncode(text);
    assert.match(encoded, /^[\x20-\x7e]*$/);
    assert.equal(decodeURIComponent(encoded), text);
  }
});

test("a status says when to try again in its details, in base64 without padding", () => {
  for (const retryAfterMs of [1, 999, 1000, 61_500]) {
    const { "grpc-status-details-bin": details, ...rest } = trailersOf({
      code: 8,
      message: "slow",
      retryAfterMs,
    });
    assert.deepEqual(rest, { "grpc-status": "8", "grpc-message": "slow" });
    assert.match(String(details), /^[\w+/]+$/);
    const status = readRpcStatus(Buffer.from(String(details), "base64"));
    assert.deepEqual(status, { code: 8, message: "slow", retryDelayMs: retryAfterMs });
  }
  assert.deepEqual(trailersOf({ code: 3, message: "" }), { "grpc-status": "3" });
});
