import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, count } from "./format.ts";
import { telemetryWords } from "./telemetry-words.ts";

test("what a sandbox sent is said with what was refused and why, what there is most of first", () => {
  const telemetry = {
    acceptedItems: 150,
    acceptedBytes: 14_581,
    refusedRequests: { in_flight: 2, rate_limited: 4000 },
    rejectedItems: { metric_streams: 7 },
  };
  assert.equal(
    telemetryWords(telemetry),
    [
      `150 items taken, ${bytes(14_581)}`,
      `${count(4000)} requests refused (rate limited)`,
      "2 requests refused (in flight)",
      "7 items left out (metric streams)",
    ].join("; "),
  );
  const quiet = { ...telemetry, refusedRequests: {}, rejectedItems: {} };
  assert.equal(telemetryWords(quiet), `150 items taken, ${bytes(14_581)}`);
});
