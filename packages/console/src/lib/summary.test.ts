import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuntimeEvent } from "@sandglass/protocol";
import { cost } from "./format.ts";
import { summarise } from "./summary.ts";

const AT = "2026-04-18T14:00:00.000000Z";
const event = (type: string, data: object): RuntimeEvent => ({ type, data, timestamp: AT }) as RuntimeEvent;

test("a cost is what is known of it: nothing where nothing is, more than it says where a part has no price", () => {
  const sum = (...events: RuntimeEvent[]) => {
    const { llmUsd, llmCalls, unpricedCalls, runtimeUsd, hasUsage } = summarise(events, 0, Date.parse(AT), 4);
    return { shown: cost(llmUsd + runtimeUsd, unpricedCalls), llmCalls, unpricedCalls, hasUsage };
  };
  const none = { shown: "–", llmCalls: 0, unpricedCalls: 0, hasUsage: false };
  assert.deepEqual(sum(), none);
  const used = event("cost.runtime", { cpuMs: 5, memoryMbMs: 5, costUsd: 0 });
  assert.deepEqual(sum(used), { ...none, hasUsage: true });
  const unpriced = event("cost.llm", { model: "new", inputTokens: 1, outputTokens: 1 });
  assert.deepEqual(sum(unpriced), { ...none, llmCalls: 1, unpricedCalls: 1 });
  const priced = event("cost.llm", { model: "large", inputTokens: 1, outputTokens: 1, costUsd: 0.25 });
  assert.deepEqual(sum(unpriced, priced, used), {
    ...{ shown: "$0.25+", llmCalls: 2, unpricedCalls: 1, hasUsage: true },
  });
  const claimed = event("cost.llm", {
    model: "x",
    inputTokens: 1,
    outputTokens: 1,
    costUsd: 9,
    origin: "sandbox",
  });
  assert.deepEqual(sum(claimed), none);
});
