import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzRelay } from "./testing/fuzz-relay.ts";

const seconds = Number(process.env.SANDGLASS_FUZZ_SECONDS ?? 30);
const seed = Number(process.env.SANDGLASS_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

test(`${seconds} s of fuzzing find no request that is relayed unsafely, seed ${seed}`, {
  timeout: (seconds + 60) * 1000,
}, (t) => {
  const { failure, ...report } = fuzzRelay(seconds * 1000, seed);
  t.diagnostic(JSON.stringify(report));
  if (failure !== undefined) {
    t.diagnostic(`${failure.signal} ${failure.body.toString("hex")}`);
    throw failure.error;
  }
  assert.ok(report.relayed > 0 && report.corpus > 10, "nothing was relayed, or nothing found");
});
