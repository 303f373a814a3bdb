import type { ReactNode } from "react";
import { type FilePair, useFileDiff } from "../hooks/use-file-diff.ts";
import { count } from "../lib/format.ts";
import type { DiffLine } from "../lib/line-diff.ts";
import { safeText } from "../lib/safe-text.ts";
import { ErrorNote } from "./notes.tsx";
import { VirtualList } from "./virtual-list.tsx";

const LINE_HEIGHT = 20;
const SIGNS: Readonly<Record<DiffLine["kind"], string>> = { same: " ", added: "+", removed: "-", gap: " " };

/** What became of the lines of one file, read again with each `turn`. */
export function FileDiff({ pair, turn }: { pair: FilePair; turn: unknown }): ReactNode {
  const difference = useFileDiff(pair, turn);
  return (
    <section aria-label="Lines that differ">
      <h3>
        <code>{safeText(pair.path, 300)}</code>
      </h3>
      {difference.state === "loading" && <p role="status">Reading…</p>}
      {difference.state === "error" && <ErrorNote error={difference.error} />}
      {difference.state === "none" && <p className="quiet">{difference.why}</p>}
      {difference.state === "lines" && (
        <>
          <p className="quiet">
            lines: {count(difference.diff.added)} added, {count(difference.diff.removed)} removed
            {difference.diff.isRough && "; too much differs to tell which lines stayed"}
          </p>
          <VirtualList
            count={difference.diff.lines.length}
            rowHeight={LINE_HEIGHT}
            label="Lines"
            row={(index) => <Line line={difference.diff.lines[index] as DiffLine} />}
          />
        </>
      )}
    </section>
  );
}

function Line({ line }: { line: DiffLine }): ReactNode {
  const { kind, text, before, after, isUnended } = line;
  if (kind === "gap") return <code className="line diff-gap">⋯ {text}</code>;
  return (
    <code className={`line diff-${kind}`}>
      <span className="line-number">{before ?? ""}</span>
      <span className="line-number">{after ?? ""}</span>
      <span>{SIGNS[kind]} </span>
      <bdi dir="ltr">{safeText(text)}</bdi>
      {isUnended && <span className="quiet"> (no line end)</span>}
    </code>
  );
}
