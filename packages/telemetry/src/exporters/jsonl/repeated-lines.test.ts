import assert from "node:assert/strict";
import { test } from "node:test";
import { findRepeated } from "./repeated-lines.ts";
import { eventAt } from "./testing/batches.ts";

function payloadsOf(...positions: number[]): Buffer[] {
  return positions.map((position) => eventAt(position).payload);
}

function linesOf(...parts: (number | string)[]): Buffer {
  const lines = parts.map((part) => (typeof part === "number" ? `${eventAt(part).payload}\n` : part));
  return Buffer.from(lines.join(""));
}

function kept(
  end: Buffer,
  payloads: Buffer[],
  { isOurs = true, isWhole = true } = {},
): string | [string, string] {
  const { keep, needsNewline } = findRepeated(end, isWhole, payloads, isOurs);
  const text = end.toString("utf8", 0, keep);
  return needsNewline ? [text, "newline"] : text;
}

test("lines that are given again go, what stood before them stays", () => {
  const end = linesOf(1, 2, 3, 4);
  assert.equal(kept(end, payloadsOf(3, 4, 5)), linesOf(1, 2).toString());
  assert.equal(kept(end, payloadsOf(1, 2, 3, 4)), "");
  assert.equal(kept(end, payloadsOf(5, 6)), end.toString());
  assert.equal(kept(Buffer.alloc(0), payloadsOf(5, 6)), "");
});

test("events that are younger than the batch go with them where the file is ours, and stay where that is not known", () => {
  const end = linesOf(1, 2, 3, 4);
  assert.equal(kept(end, payloadsOf(2, 3)), linesOf(1).toString());
  assert.equal(kept(end, payloadsOf(2, 3), { isOurs: false }), end.toString());
});

test("nothing goes that somebody else wrote, nor what stands before it", () => {
  const end = linesOf(1, 2, "a note of a person\n", 3);
  assert.equal(kept(end, payloadsOf(2, 3, 4)), linesOf(1, 2, "a note of a person\n").toString());
  const noteLast = linesOf(2, 3, "a note of a person\n");
  assert.equal(kept(noteLast, payloadsOf(2, 3)), noteLast.toString());
});

test("a torn line that is given again goes, wherever it is torn", () => {
  const whole = linesOf(3);
  for (let length = 1; length < whole.length; length++) {
    const end = Buffer.concat([linesOf(1, 2), whole.subarray(0, length)]);
    assert.equal(kept(end, payloadsOf(2, 3), { isOurs: false }), linesOf(1).toString(), `${length} bytes`);
    assert.equal(kept(end, payloadsOf(3, 4), { isOurs: false }), linesOf(1, 2).toString(), `${length} bytes`);
  }
});

test("a torn line of an event that is not given again goes where the file is ours, and gets its end elsewhere", () => {
  const torn = linesOf(3).toString().slice(0, -20);
  assert.equal(kept(linesOf(1, 2, torn), payloadsOf(4)), linesOf(1, 2).toString());
  const complete = linesOf(1, 2, torn).toString();
  assert.deepEqual(kept(linesOf(1, 2, torn), payloadsOf(4), { isOurs: false }), [complete, "newline"]);
});

test("an event's line that lacks only its end, and a torn line of somebody else, are kept and ended", () => {
  const whole = linesOf(3).toString().slice(0, -1);
  assert.deepEqual(kept(linesOf(1, whole), payloadsOf(4)), [linesOf(1, whole).toString(), "newline"]);
  assert.deepEqual(kept(Buffer.from("hello"), payloadsOf(4)), ["hello", "newline"]);
  assert.deepEqual(kept(linesOf(4, "hello"), payloadsOf(4)), [linesOf(4, "hello").toString(), "newline"]);
});

test("the rest of a line that begins before what is looked at is passed over", () => {
  const end = Buffer.concat([linesOf(1).subarray(10), linesOf(2)]);
  const rest = linesOf(1).subarray(10).toString();
  assert.equal(kept(end, payloadsOf(2), { isWhole: false }), rest);
});
