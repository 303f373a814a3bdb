import { type ReactNode, useMemo } from "react";
import type { Comparison, Pair } from "../hooks/use-diffs.ts";
import { setQuery, useRoute } from "../hooks/use-route.ts";
import { type ChangedPath, changedPaths } from "../lib/changed-paths.ts";
import { count } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import { FileDiff } from "./file-diff.tsx";
import { Badge, Empty, ErrorNote } from "./notes.tsx";
import { VirtualList } from "./virtual-list.tsx";

const ROW_HEIGHT = 28;

/** The paths that a sandbox has otherwise than another one; the chosen one, which stands in the address as `file`, line by line. */
export function BranchChanges({
  pair,
  comparison,
}: {
  pair: Pair;
  comparison: Comparison | undefined;
}): ReactNode {
  const { query } = useRoute();
  const diff = comparison?.diff;
  const paths = useMemo(() => (diff === undefined ? [] : changedPaths(diff)), [diff]);
  if (comparison === undefined) return <p role="status">Comparing…</p>;
  if (diff === undefined) return <ErrorNote error={comparison.error} />;
  if (paths.length === 0) return <Empty title="Both have the same files" />;
  const chosen = paths.find(({ path }) => path === query.get("file"));
  return (
    <>
      {diff.truncated && (
        <p className="warning">More than {count(paths.length)} paths differ: these are the first.</p>
      )}
      <VirtualList
        count={paths.length}
        rowHeight={ROW_HEIGHT}
        label="Paths that differ"
        row={(index) => {
          const changed = paths[index] as ChangedPath;
          return (
            <button
              type="button"
              data-row=""
              className="event"
              aria-pressed={changed === chosen}
              onClick={() => setQuery({ file: changed === chosen ? undefined : changed.path })}
            >
              <Badge of={changed.change} />
              <code>{safeText(changed.path, 300)}</code>
            </button>
          );
        }}
      />
      {chosen !== undefined && (
        <FileDiff
          turn={comparison}
          pair={{
            path: chosen.path,
            before: chosen.change === "added" ? undefined : pair.against,
            after: chosen.change === "removed" ? undefined : pair.id,
          }}
        />
      )}
    </>
  );
}
