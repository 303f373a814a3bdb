import type { ReactNode } from "react";
import { useDiffs } from "../hooks/use-diffs.ts";
import { BranchChanges } from "./branch-changes.tsx";
import { ChangeCounts } from "./change-counts.tsx";
import { SandboxLink } from "./sandbox-link.tsx";

/** What a sandbox changed since it was forked, against its parent as that is now. */
export function AgainstParent({ id, parentId }: { id: string; parentId: string }): ReactNode {
  const pair = { id, against: parentId };
  const diffs = useDiffs([pair]);
  const comparison = diffs.of(id);
  const { added = [], modified = [], removed = [] } = comparison?.diff ?? {};
  return (
    <>
      <div className="tools">
        <button type="button" disabled={diffs.isBusy} onClick={diffs.again}>
          {diffs.isBusy ? "Comparing…" : "Compare again"}
        </button>
        <span>
          Against <SandboxLink id={parentId} /> as it is now
          {comparison?.diff !== undefined && (
            <>
              : <ChangeCounts added={added.length} modified={modified.length} removed={removed.length} />
            </>
          )}
        </span>
      </div>
      <BranchChanges pair={pair} comparison={comparison} />
    </>
  );
}
