import type { RunSandbox, RuntimeEvent } from "@sandglass/protocol";
import { type ReactNode, useMemo } from "react";
import { type Comparison, type Pair, useDiffs } from "../hooks/use-diffs.ts";
import { useEvents } from "../hooks/use-events.ts";
import { setQuery, useRoute } from "../hooks/use-route.ts";
import { type Branch, FORK_TYPES, forkTree, isComparable, type Merge } from "../lib/fork-tree.ts";
import { clock, count } from "../lib/format.ts";
import { type FileChange, fileChanges } from "../lib/sandbox-record.ts";
import { BranchChanges } from "./branch-changes.tsx";
import { BranchRecord } from "./branch-record.tsx";
import { ChangeCounts } from "./change-counts.tsx";
import { type Column, DataTable } from "./data-table.tsx";
import { Badge, Empty, ErrorNote } from "./notes.tsx";
import { SandboxLink } from "./sandbox-link.tsx";

interface ForkTreeProps {
  runId: string;
  sandboxes: readonly RunSandbox[];
  /** Of the run: what was done to files is told of branches that have ended. */
  story: readonly RuntimeEvent[];
  isLive: boolean;
}

/** A run's sandboxes as branches: who was forked from whom, what each changed, how it ended, and which was merged where. */
export function ForkTree({ runId, sandboxes, story, isLive }: ForkTreeProps): ReactNode {
  const { query } = useRoute();
  const record = useEvents(`runId=${encodeURIComponent(runId)}&types=${FORK_TYPES}`, isLive);
  const branches = useMemo(() => forkTree(record.events), [record.events]);
  const byId = useMemo(() => new Map(branches.map((branch) => [branch.id, branch])), [branches]);
  const pairs = useMemo(
    () => branches.flatMap((branch) => (isComparable(branch, byId) ? [pairOf(branch)] : [])),
    [branches, byId],
  );
  const diffs = useDiffs(pairs);
  const changes = useMemo(() => changesBySandbox(story), [story]);
  if (branches.length === 0) {
    if (!record.isCaughtUp)
      return record.error ? <ErrorNote error={record.error} /> : <p role="status">Loading…</p>;
    return (
      <Empty title="Nothing was forked in this run">
        <p>A fork begins with all files of its parent, to try several ways from the same state:</p>
        <pre>sandglass fork sbx_… -n 3</pre>
      </Empty>
    );
  }
  const chosen = byId.get(query.get("branch") ?? "");
  const known = new Map(sandboxes.map((sandbox) => [sandbox.id, sandbox]));
  const columns: readonly Column<Branch>[] = [
    {
      title: "Sandbox",
      cell: ({ id, depth }) => (
        <span className="branch" style={{ paddingLeft: `${Math.min(depth, 12) * 18}px` }}>
          {depth > 0 && <span aria-hidden="true">└ </span>}
          <code>{id}</code>
        </span>
      ),
    },
    { title: "Fork of", cell: ({ parentId }) => parentId !== undefined && <SandboxLink id={parentId} /> },
    { title: "State", cell: ({ id, cause }) => <Badge of={cause ?? known.get(id)?.state ?? "running"} /> },
    {
      title: "Against its parent",
      cell: (branch) => (
        <BranchSummary
          branch={branch}
          merge={byId.get(branch.mergedInto ?? "")?.merges.find(({ winner }) => winner === branch.id)}
          comparison={isComparable(branch, byId) ? { of: diffs.of(branch.id) } : undefined}
          files={changes.get(branch.id)?.length ?? 0}
          isChosen={branch === chosen}
        />
      ),
    },
    { title: "Merged", cell: (branch) => <Merges branch={branch} /> },
    { title: "Execs", cell: ({ id }) => count(known.get(id)?.execs ?? 0), isNumber: true },
    { title: "Failed", cell: ({ id }) => count(known.get(id)?.failures ?? 0), isNumber: true },
    { title: "Made", cell: ({ createdAt }) => createdAt !== undefined && clock(createdAt) },
    { title: "Ended", cell: ({ endedAt }) => endedAt !== undefined && clock(endedAt) },
  ];
  return (
    <>
      <ErrorNote error={record.error} />
      {pairs.length > 0 && (
        <div className="tools">
          <button type="button" disabled={diffs.isBusy} onClick={diffs.again}>
            {diffs.isBusy ? "Comparing…" : "Compare again"}
          </button>
          <span className="quiet">Each branch that is there, with its parent as that is now.</span>
        </div>
      )}
      <DataTable
        name="branches"
        items={branches}
        columns={columns}
        keyOf={({ id }) => id}
        linkTo={({ id }) => `/sandboxes/${id}`}
      />
      {chosen !== undefined && (
        <section aria-label="Changes of the branch">
          <h2>
            What <code>{chosen.id}</code> changed
          </h2>
          {isComparable(chosen, byId) ? (
            <BranchChanges pair={pairOf(chosen)} comparison={diffs.of(chosen.id)} />
          ) : (
            <BranchRecord files={changes.get(chosen.id) ?? []} />
          )}
        </section>
      )}
    </>
  );
}

/** Of each, what was written or deleted through the API. */
function changesBySandbox(story: readonly RuntimeEvent[]): Map<string, FileChange[]> {
  const written = story.filter(({ type }) => type.startsWith("file.") && type !== "file.read");
  const bySandbox = Map.groupBy(written, ({ sandboxId }) => sandboxId);
  return new Map([...bySandbox].map(([id, events]) => [id, fileChanges(events)]));
}

function pairOf({ id, parentId = "" }: Branch): Pair {
  return { id, against: parentId };
}

interface BranchSummaryProps {
  branch: Branch;
  /** Its own, where it was merged. */
  merge: Merge | undefined;
  /** Undefined where it cannot be compared; `of` while that goes on. */
  comparison: { of: Comparison | undefined } | undefined;
  /** Files that were written or deleted through the API. */
  files: number;
  isChosen: boolean;
}

/** What a branch changed, in short; a press shows all of it below. */
function BranchSummary({ branch, merge, comparison, files, isChosen }: BranchSummaryProps): ReactNode {
  const { id, cause, parentId } = branch;
  const choose = (said: ReactNode): ReactNode => (
    <button
      type="button"
      aria-pressed={isChosen}
      onClick={() => setQuery({ branch: isChosen ? undefined : id, file: undefined })}
    >
      {said}
    </button>
  );
  if (parentId === undefined) return "";
  if (comparison === undefined) {
    if (cause === undefined) return <span className="quiet">its parent has ended</span>;
    const said = merge?.added === undefined ? `${count(files)} through the API` : <ChangeCounts {...merge} />;
    if (files > 0) return choose(said);
    return merge?.added === undefined ? "" : said;
  }
  const { diff, error } = comparison.of ?? {};
  if (error !== undefined) return choose("not compared");
  if (diff === undefined) return <span role="status">comparing…</span>;
  const { added, modified, removed, truncated } = diff;
  return choose(
    <>
      {truncated && "at least "}
      <ChangeCounts added={added.length} modified={modified.length} removed={removed.length} />
    </>,
  );
}

function Merges({ branch: { merges, mergedInto } }: { branch: Branch }): ReactNode {
  return (
    <>
      {mergedInto !== undefined && (
        <>
          into <SandboxLink id={mergedInto} />
        </>
      )}
      {merges.map(({ winner }) => (
        <div key={winner}>
          took over <SandboxLink id={winner} />
        </div>
      ))}
    </>
  );
}
