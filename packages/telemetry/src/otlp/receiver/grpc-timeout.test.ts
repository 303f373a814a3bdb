import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGrpcTimeout } from "./grpc-timeout.ts";

test("a timeout is read in each of its units, and rounded up to a millisecond", () => {
  const expected = {
    "1H": 3_600_000,
    "2M": 120_000,
    "10S": 10_000,
    "250m": 250,
    "1500u": 2,
    "1n": 1,
    "0S": 0,
    "99999999H": 99_999_999 * 3_600_000,
  };
  for (const [text, ms] of Object.entries(expected)) assert.equal(parseGrpcTimeout(text), ms, text);
});

test("what is no timeout is undefined", () => {
  for (const text of ["", "10", "S", "-1S", "1.5S", "100000000S", "10s", "10 S", "10S\n", "0x1S", "1SS"]) {
    assert.equal(parseGrpcTimeout(text), undefined, JSON.stringify(text));
  }
});
