import assert from "node:assert/strict";
import { test } from "node:test";
import type { TraceSpan } from "@sandglass/protocol";
import { buildSpanTree } from "./span-tree.ts";

function span(spanId: string, parentSpanId: string, second: number): TraceSpan {
  const startTime = new Date(second * 1000).toISOString();
  return { spanId, parentSpanId, name: spanId, startTime, durationMs: 500 } as TraceSpan;
}
const namesOf = (spans: TraceSpan[]): string[] =>
  buildSpanTree(spans).rows.map(({ span, depth }) => `${depth}${span.spanId}`);

test("parents come before children, siblings by start, and a missing parent makes a root", () => {
  assert.deepEqual(namesOf([span("b", "a", 3), span("c", "a", 2), span("a", "", 1), span("x", "gone", 4)]), [
    "0a",
    "1c",
    "1b",
    "0x",
  ]);
});

test("spans that are their own ancestors, which only a lying program sends, are each there once", () => {
  assert.deepEqual(namesOf([span("a", "b", 1), span("b", "a", 2), span("s", "s", 3)]).toSorted(), [
    "0a",
    "0s",
    "1b",
  ]);
});

test("a chain of 50,000 is built without running out of stack", () => {
  const chain = Array.from({ length: 50_000 }, (_, index) => span(`${index}`, `${index - 1}`, index));
  assert.equal(buildSpanTree(chain).rows.at(-1)?.depth, 49_999);
});
