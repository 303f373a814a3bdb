import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_LIMITS, resolveLimits } from "./limits.ts";

test("a limit is the request's, else the template's, else the daemon's, else the default", () => {
  const defaults = { vcpu: 2, memoryMb: 100, diskMb: 200, idleTimeoutMs: 0 };
  const template = { memoryMb: 300, diskMb: 400 };
  assert.deepEqual(resolveLimits({ diskMb: 500, timeoutMs: 0 }, template, defaults), {
    ...DEFAULT_LIMITS,
    vcpu: 2,
    memoryMb: 300,
    diskMb: 500,
    timeoutMs: 0,
    idleTimeoutMs: 0,
  });
  assert.deepEqual(resolveLimits({}, {}), DEFAULT_LIMITS);
});
