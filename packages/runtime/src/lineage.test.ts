import assert from "node:assert/strict";
import { test } from "node:test";
import { sameSince } from "./lineage.ts";

const root = { id: "root", lineage: [] };
const early = { id: "early", lineage: [{ id: "root", atMs: 10_000 }] };
const late = { id: "late", lineage: [{ id: "root", atMs: 20_500 }] };
const child = {
  id: "child",
  lineage: [
    { id: "early", atMs: 30_000 },
    { id: "root", atMs: 10_000 },
  ],
};

test("two disks were one until the first copy between them was taken, less a second", () => {
  assert.equal(sameSince(late, root), 19);
  assert.equal(sameSince(root, late), 19);
  assert.equal(sameSince(child, early), 29);
  assert.equal(sameSince(child, root), 9, "what the parent had by its own fork");
  assert.equal(sameSince(early, late), 9);
  assert.equal(sameSince(child, late), 9);
});

test("two that have no sandbox in common were never one", () => {
  assert.equal(sameSince(root, { id: "other", lineage: [] }), 0);
  assert.equal(sameSince(child, { id: "other", lineage: [{ id: "else", atMs: 5000 }] }), 0);
});
