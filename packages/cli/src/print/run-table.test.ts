import assert from "node:assert/strict";
import { test } from "node:test";
import { costOf } from "./run-table.ts";

test("a cost is dollars, marked where some price is not known, and no number where none is", () => {
  assert.equal(costOf({ costUsd: 0.0312, unpricedCalls: 0, llmCalls: 1 }), "$0.0312");
  assert.equal(costOf({ costUsd: 0.0312, unpricedCalls: 1, llmCalls: 2 }), "$0.0312+");
  assert.equal(costOf({ costUsd: 0, unpricedCalls: 0, llmCalls: 1 }), "$0.0000");
  assert.equal(costOf({ costUsd: 0, unpricedCalls: 2, llmCalls: 2 }), "–");
  assert.equal(costOf({ costUsd: 0, unpricedCalls: 0, llmCalls: 0 }), "–");
});
