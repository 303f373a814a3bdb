import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "commander";
import {
  collectList,
  collectPairs,
  parseDuration,
  parseMegabytes,
  parseMilliseconds,
  parsePositive,
} from "./option-values.ts";

test("durations take units, and a plain number is seconds", () => {
  assert.deepEqual(
    ["250ms", "30s", "5m", "1.5h", "1d", "2"].map(parseDuration),
    [250, 30_000, 300_000, 5_400_000, 86_400_000, 2_000],
  );
  for (const bad of ["", "5 m", "-1s", "soon"]) assert.throws(() => parseDuration(bad), InvalidArgumentError);
});

test("where milliseconds are meant, a plain number is that", () => {
  assert.deepEqual(["200", "0.5", "200ms", "1.5s"].map(parseMilliseconds), [200, 0.5, 200, 1_500]);
  assert.throws(() => parseMilliseconds("soon"), InvalidArgumentError);
});

test("sizes are MiB unless they say otherwise", () => {
  assert.deepEqual(["512", "512m", "2g", "1.5GiB"].map(parseMegabytes), [512, 512, 2048, 1536]);
  for (const bad of ["", "2t", "-1"]) assert.throws(() => parseMegabytes(bad), InvalidArgumentError);
});

test("a number of CPUs is above zero", () => {
  assert.equal(parsePositive("0.5"), 0.5);
  for (const bad of ["0", "", "x", "Infinity"]) assert.throws(() => parsePositive(bad), InvalidArgumentError);
});

test("pairs are collected, the value keeps its equals signs, and a bare name passes the caller's own value on", () => {
  process.env.SANDGLASS_TEST_SECRET = "s3";
  const pairs = ["A=1=2", "EMPTY=", "SANDGLASS_TEST_SECRET"].reduce(
    (previous, text) => collectPairs(text, previous),
    {} as Record<string, string>,
  );
  delete process.env.SANDGLASS_TEST_SECRET;
  assert.deepEqual(pairs, { A: "1=2", EMPTY: "", SANDGLASS_TEST_SECRET: "s3" });
  assert.throws(() => collectPairs("SANDGLASS_NOT_SET"), InvalidArgumentError);
  assert.throws(() => collectPairs("=x"), InvalidArgumentError);
});

test("lists are split at commas and added to", () => {
  assert.deepEqual(collectList("c, ,d", ["a"]), ["a", "c", "d"]);
});
