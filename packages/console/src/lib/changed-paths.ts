import type { SandboxDiff } from "@sandglass/protocol";

export interface ChangedPath {
  path: string;
  change: "added" | "modified" | "removed";
}

/** All of a difference, by path. */
export function changedPaths({ added, modified, removed }: SandboxDiff): ChangedPath[] {
  return [
    ...added.map((path) => ({ path, change: "added" as const })),
    ...modified.map((path) => ({ path, change: "modified" as const })),
    ...removed.map((path) => ({ path, change: "removed" as const })),
  ].sort((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0));
}
