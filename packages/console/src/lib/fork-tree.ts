import type { Cause, RuntimeEvent } from "@sandglass/protocol";

/** What a sandbox took over from another one. Counts are those of the record, absent where it has none. */
export interface Merge {
  winner: string;
  at: string;
  added?: number;
  modified?: number;
  removed?: number;
}

/** A sandbox that was forked, or is a fork. */
export interface Branch {
  id: string;
  /** Absent for where it all began, and where the record does not reach back so far. */
  parentId?: string;
  /** How many forks lie between it and where it all began. */
  depth: number;
  /** Absent where the record does not reach back so far. */
  createdAt?: string;
  endedAt?: string;
  /** Why it ended; absent while it is there. */
  cause?: Cause;
  /** What it took over, in order. */
  merges: Merge[];
  /** Who took over its files. */
  mergedInto?: string;
}

/** Types of the events that {@link forkTree} reads. */
export const FORK_TYPES = "sandbox.created,sandbox.forked,sandbox.merged,sandbox.terminated";

/** The forks that events tell of, each behind its parent and before its parent's next fork. Sandboxes without any are left out. */
export function forkTree(events: readonly RuntimeEvent[]): Branch[] {
  const branches = new Map<string, Branch>();
  const branchOf = (id: string): Branch => {
    const branch = branches.get(id) ?? { id, depth: 0, merges: [] };
    branches.set(id, branch);
    return branch;
  };
  for (const event of events) {
    const { type, sandboxId, timestamp, data } = event;
    if (type === "sandbox.created") {
      const branch = branchOf(sandboxId);
      branch.createdAt = timestamp;
      if (data.parentId !== undefined) branch.parentId = data.parentId;
    } else if (type === "sandbox.forked") {
      branchOf(sandboxId);
      for (const child of data.children) branchOf(child).parentId = sandboxId;
    } else if (type === "sandbox.merged") {
      const { winner, added, modified, removed } = data;
      branchOf(sandboxId).merges.push({
        winner,
        at: timestamp,
        ...(added !== undefined && { added }),
        ...(modified !== undefined && { modified }),
        ...(removed !== undefined && { removed }),
      });
      branchOf(winner).mergedInto = sandboxId;
    } else if (type === "sandbox.terminated") {
      const branch = branchOf(sandboxId);
      branch.endedAt = timestamp;
      branch.cause = data.cause;
    }
  }
  const children = new Map<string, Branch[]>();
  for (const branch of [...branches.values()]) {
    if (branch.parentId === undefined) continue;
    // One whose own events are not there is a branch all the same.
    branchOf(branch.parentId);
    children.set(branch.parentId, [...(children.get(branch.parentId) ?? []), branch]);
  }
  const roots = [...branches.values()].filter(
    ({ id, parentId, merges, mergedInto }) =>
      parentId === undefined && (children.has(id) || merges.length > 0 || mergedInto !== undefined),
  );
  const ordered: Branch[] = [];
  const waiting = roots.reverse();
  for (let branch = waiting.pop(); branch !== undefined; branch = waiting.pop()) {
    ordered.push(branch);
    const { id, depth } = branch;
    for (const child of (children.get(id) ?? []).toReversed()) {
      child.depth = depth + 1;
      waiting.push(child);
    }
  }
  return ordered;
}

/** Whether a branch can be compared with the sandbox it was forked from: both have to be there. */
export function isComparable(branch: Branch, all: ReadonlyMap<string, Branch>): boolean {
  const parent = branch.parentId === undefined ? undefined : all.get(branch.parentId);
  return branch.cause === undefined && parent !== undefined && parent.cause === undefined;
}
