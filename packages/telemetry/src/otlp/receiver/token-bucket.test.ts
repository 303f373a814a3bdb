import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenBucket } from "./token-bucket.ts";

test("a burst of two seconds' worth is let through, then so much a second", () => {
  const bucket = new TokenBucket();
  assert.equal(bucket.waitFor(200, 100, 5000), 0);
  bucket.spend(200, 100, 5000);
  assert.equal(bucket.waitFor(100, 100, 5000), 1000);
  assert.equal(bucket.waitFor(100, 100, 5400), 600);
  assert.equal(bucket.waitFor(100, 100, 6000), 0);
});

test("what is not used does not add up beyond a burst", () => {
  const bucket = new TokenBucket();
  bucket.spend(200, 100, 0);
  assert.equal(bucket.waitFor(1, 100, 3_600_000), 0);
  bucket.spend(200, 100, 3_600_000);
  assert.equal(bucket.waitFor(1, 100, 3_600_000), 10);
});

test("more than a burst is let through when the bucket is full, and paid off afterwards", () => {
  const bucket = new TokenBucket();
  assert.equal(bucket.waitFor(1000, 100, 0), 0);
  bucket.spend(1000, 100, 0);
  assert.equal(bucket.waitFor(1, 100, 0), 8010);
  assert.equal(bucket.waitFor(1000, 100, 0), 10_000);
  assert.equal(bucket.waitFor(1, 100, 8010), 0);
});
