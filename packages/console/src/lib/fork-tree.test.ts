import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventDataMap, EventType, RuntimeEvent } from "@sandglass/protocol";
import { type Branch, forkTree, isComparable } from "./fork-tree.ts";

let seq = 0;
function event<T extends EventType>(
  sandboxId: string,
  type: T,
  data: Partial<EventDataMap[T]>,
): RuntimeEvent {
  const timestamp = new Date(1_700_000_000_000 + seq++).toISOString();
  return { sandboxId, type, data, timestamp } as unknown as RuntimeEvent;
}
const made = (id: string, parentId?: string): RuntimeEvent =>
  event(id, "sandbox.created", { template: "python", ...(parentId !== undefined && { parentId }) });
const drawn = (branches: readonly Branch[]): string[] =>
  branches.map(
    ({ id, depth, cause }) => `${"  ".repeat(depth)}${id}${cause === undefined ? "" : ` ${cause}`}`,
  );

const STORY: readonly RuntimeEvent[] = [
  made("alone"),
  made("root"),
  made("one", "root"),
  made("two", "root"),
  event("root", "sandbox.forked", { children: ["one", "two"], durationMs: 3 }),
  made("deep", "one"),
  event("one", "sandbox.forked", { children: ["deep"], durationMs: 3 }),
  made("three", "root"),
  event("root", "sandbox.forked", { children: ["three"], durationMs: 3 }),
  event("root", "sandbox.merged", { winner: "one", durationMs: 9, added: 2, modified: 1, removed: 0 }),
  event("one", "sandbox.terminated", { cause: "merged" }),
  event("two", "sandbox.terminated", { cause: "user" }),
];

test("each fork stands below its parent, with how it ended; sandboxes without forks are left out", () => {
  assert.deepEqual(drawn(forkTree(STORY)), ["root", "  one merged", "    deep", "  two user", "  three"]);
});

test("a merge says who took over whom, and what", () => {
  const [root, one] = forkTree(STORY);
  assert.deepEqual(
    root?.merges.map(({ winner, added, modified, removed }) => [winner, added, modified, removed]),
    [["one", 2, 1, 0]],
  );
  assert.equal(one?.mergedInto, "root");
});

test("a branch is compared while it and its parent are there", () => {
  const branches = forkTree(STORY);
  const all = new Map(branches.map((branch) => [branch.id, branch]));
  const comparable = branches.filter((branch) => isComparable(branch, all)).map(({ id }) => id);
  // The parent of "deep" has ended; "root" is nobody's fork.
  assert.deepEqual(comparable, ["three"]);
});

test("where the record does not reach back, what is known of the branches is enough for a tree", () => {
  const tail = [
    made("late", "forgotten"),
    event("forgotten", "sandbox.forked", { children: ["late", "early"] }),
  ];
  assert.deepEqual(drawn(forkTree(tail)), ["forgotten", "  late", "  early"]);
  assert.deepEqual(drawn(forkTree([made("late", "forgotten")])), ["forgotten", "  late"]);
  assert.deepEqual(forkTree([]), []);
});
