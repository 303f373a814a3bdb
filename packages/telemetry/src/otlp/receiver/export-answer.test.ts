import assert from "node:assert/strict";
import { test } from "node:test";
import { retryInfoStatus } from "../../exporters/otel/testing/retry-info.ts";
import { exportResponseFromJson, readExportResponse } from "../export-response.ts";
import { SIGNALS } from "../model.ts";
import { readRpcStatus } from "../rpc-status.ts";
import { encodeResponse } from "../testing/oracle.ts";
import { encodeExportResponse, encodeRpcStatus } from "./export-answer.ts";

const REJECTED = { items: 12_345, message: "zu viele Zeitreihen: größer als erlaubt" };
const NAMES = {
  traces: "rejectedSpans",
  logs: "rejectedLogRecords",
  metrics: "rejectedDataPoints",
} as const;

test("a plain yes does not set the partial success", () => {
  for (const signal of SIGNALS) {
    assert.deepEqual(encodeExportResponse(signal, "protobuf"), Buffer.from(encodeResponse(signal)));
    assert.equal(encodeExportResponse(signal, "json").toString(), "{}");
  }
});

test("a partial success is written as protobufjs writes it by the official files", () => {
  for (const signal of SIGNALS) {
    const partialSuccess = { [NAMES[signal]]: REJECTED.items, errorMessage: REJECTED.message };
    const written = encodeExportResponse(signal, "protobuf", REJECTED);
    assert.deepEqual(written, Buffer.from(encodeResponse(signal, partialSuccess)));
    assert.deepEqual(readExportResponse(written), { rejected: REJECTED.items, message: REJECTED.message });
  }
});

test("in JSON the count has the signal's own name and is a text", () => {
  for (const signal of SIGNALS) {
    const json = JSON.parse(encodeExportResponse(signal, "json", REJECTED).toString());
    assert.deepEqual(json, {
      partialSuccess: { [NAMES[signal]]: "12345", errorMessage: REJECTED.message },
    });
    assert.deepEqual(exportResponseFromJson(json), { rejected: REJECTED.items, message: REJECTED.message });
  }
});

test("a status with a time to come again is written as protobufjs writes it", () => {
  assert.deepEqual(encodeRpcStatus(14, "later", 1500), retryInfoStatus(1.5, "later"));
  for (const retryDelayMs of [1, 250, 999, 1000, 1500, 60_000, 300_000]) {
    const expected = { code: 14, message: "later", retryDelayMs };
    assert.deepEqual(readRpcStatus(encodeRpcStatus(14, "later", retryDelayMs)), expected);
  }
});

test("a message longer than a length of one byte keeps its place", () => {
  const message = "ö".repeat(300);
  assert.deepEqual(readRpcStatus(encodeRpcStatus(3, message)), { code: 3, message, retryDelayMs: undefined });
  const rejected = { items: 1, message };
  assert.deepEqual(readExportResponse(encodeExportResponse("logs", "protobuf", rejected)), {
    rejected: 1,
    message,
  });
});

test("a status in JSON says the time as protobuf's JSON does", () => {
  assert.deepEqual(JSON.parse(encodeRpcStatus(8, "slow down", 1500, "json").toString()), {
    code: 8,
    message: "slow down",
    details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1.5s" }],
  });
  assert.deepEqual(JSON.parse(encodeRpcStatus(3, "what", undefined, "json").toString()), {
    code: 3,
    message: "what",
  });
});
