import assert from "node:assert/strict";
import { test } from "node:test";
import { PositionRanges } from "./position-ranges.ts";

test("positions that follow each other are one stretch, others are not", () => {
  const ranges = new PositionRanges();
  for (const position of [3, 4, 5, 9]) ranges.add(position);
  assert.deepEqual(ranges.first(100), { from: 3, to: 5 });
  ranges.done(5);
  assert.deepEqual(ranges.first(100), { from: 9, to: 9 });
  ranges.done(9);
  assert.equal(ranges.first(100), undefined);
  assert.ok(ranges.isEmpty);
});

test("what is not in the log yet waits", () => {
  const ranges = new PositionRanges();
  ranges.add(3, 8);
  assert.equal(ranges.first(2), undefined);
  assert.deepEqual(ranges.first(5), { from: 3, to: 5 });
  ranges.done(5);
  assert.deepEqual(ranges.first(100), { from: 6, to: 8 });
});

test("done is what is before the first stretch, and everything where there is none", () => {
  const ranges = new PositionRanges();
  assert.equal(ranges.doneTo(7), 7);
  ranges.add(5, 6);
  assert.equal(ranges.doneTo(7), 4);
  assert.equal(ranges.doneTo(3), 3);
  ranges.done(5);
  assert.equal(ranges.doneTo(7), 5);
});

test("a position that is given again, since its record was refused, is looked at once", () => {
  const ranges = new PositionRanges();
  ranges.add(5);
  ranges.add(5);
  ranges.done(5);
  assert.ok(ranges.isEmpty);
});

test("positions that are given again far before the last are looked at", () => {
  const ranges = new PositionRanges();
  for (const position of [3, 6, 9, 4]) ranges.add(position);
  assert.deepEqual(ranges.first(100), { from: 3, to: 9 });
});

test("however many stretches are added, few are kept, and none is lost", () => {
  const ranges = new PositionRanges();
  for (let position = 1; position <= 20_000; position += 2) ranges.add(position);
  const seen = new Set<number>();
  let stretches = 0;
  for (let range = ranges.first(20_000); range !== undefined; range = ranges.first(20_000)) {
    for (let position = range.from; position <= range.to; position++) seen.add(position);
    ranges.done(range.to);
    stretches++;
  }
  assert.ok(stretches <= 1024);
  for (let position = 1; position <= 20_000; position += 2) assert.ok(seen.has(position), String(position));
});

test("an empty stretch is none", () => {
  const ranges = new PositionRanges();
  ranges.add(1, 0);
  assert.ok(ranges.isEmpty);
});
