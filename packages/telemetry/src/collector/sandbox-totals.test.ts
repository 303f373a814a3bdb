import assert from "node:assert/strict";
import { test } from "node:test";
import { SandboxTotals } from "./sandbox-totals.ts";

const SENT = {
  acceptedItems: 5,
  acceptedBytes: 100,
  refusedRequests: { rate_limited: 2 },
  rejectedItems: {},
};

test("what a sandbox sent to one process is added to what it sent to the one before", () => {
  const totals = new SandboxTotals();
  assert.equal(totals.total(), undefined);
  totals.hear({ ...SENT, acceptedItems: 3 }, 1);
  totals.hear(SENT, 1);
  assert.deepEqual(totals.total(), SENT);
  totals.hear({ ...SENT, refusedRequests: { rate_limited: 1, in_flight: 4 } }, 2);
  assert.deepEqual(totals.total(), {
    acceptedItems: 10,
    acceptedBytes: 200,
    refusedRequests: { rate_limited: 3, in_flight: 4 },
    rejectedItems: {},
  });
  totals.hear({ ...SENT, refusedRequests: { rate_limited: 2, in_flight: 4 } }, 2);
  assert.equal(totals.total()?.refusedRequests.rate_limited, 4);
});

test("what is given out is a copy, and of a sandbox that sent nothing there is nothing", () => {
  const totals = new SandboxTotals();
  totals.hear({ acceptedItems: 0, acceptedBytes: 0, refusedRequests: {}, rejectedItems: {} }, 1);
  assert.equal(totals.total(), undefined);
  totals.hear(SENT, 1);
  const total = totals.total();
  assert.ok(total !== undefined);
  total.refusedRequests.rate_limited = 99;
  assert.equal(totals.total()?.refusedRequests.rate_limited, 2);
});
