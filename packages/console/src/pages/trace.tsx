import type { LogEntry, Page, TraceInfo } from "@sandglass/protocol";
import { type ReactNode, useMemo, useState } from "react";
import { CopyButton } from "../components/copy-button.tsx";
import { ErrorNote } from "../components/notes.tsx";
import { SpanDetail } from "../components/span-detail.tsx";
import { Waterfall, type Window } from "../components/waterfall.tsx";
import { useApi } from "../hooks/use-api.ts";
import { setQuery, useRoute } from "../hooks/use-route.ts";
import { count, duration } from "../lib/format.ts";
import { buildSpanTree, visibleRows } from "../lib/span-tree.ts";
import { download } from "../lib/table-file.ts";

/** One trace: its waterfall, and the chosen span with its attributes and logs. */
export function TracePage({ id }: { id: string }): ReactNode {
  const { query } = useRoute();
  const { data, error, isLoading } = useApi<TraceInfo>(`/v1/traces/${encodeURIComponent(id)}`);
  const logs = useApi<Page<LogEntry>>(`/v1/logs?limit=1000&traceId=${encodeURIComponent(id)}`);
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [zoom, setZoom] = useState<Window>();
  const search = query.get("q") ?? "";
  const tree = useMemo(() => buildSpanTree(data?.spans ?? []), [data]);
  const visible = useMemo(() => visibleRows(tree, folded), [tree, folded]);
  const found = useMemo(() => {
    const wanted = search.toLowerCase();
    if (wanted === "") return [];
    return visible.flatMap((index, place) => {
      const span = tree.rows[index]?.span;
      if (span === undefined) return [];
      const text = `${span.name} ${span.service ?? ""} ${JSON.stringify(span.attributes)}`;
      return text.toLowerCase().includes(wanted) ? [place] : [];
    });
  }, [search, visible, tree]);
  const chosenId = query.get("span") ?? tree.rows[0]?.span.spanId;
  const chosen = tree.rows.findIndex(({ span }) => span.spanId === chosenId);
  const place = visible.indexOf(chosen);
  const choose = (at: number): void => {
    const row = tree.rows[visible[at] ?? -1];
    if (row !== undefined) setQuery({ span: row.span.spanId });
  };
  const toggle = (spanId: string): void => {
    const next = new Set(folded);
    if (!next.delete(spanId)) next.add(spanId);
    setFolded(next);
  };
  const nextFound = (): void => choose(found.find((at) => at > place) ?? found[0] ?? place);
  const raw = (): string => JSON.stringify(data, null, 2);
  const window = zoom ?? { from: 0, to: tree.durationMs };
  return (
    <>
      <h1>
        Trace <code>{id}</code> <CopyButton text={id} />
      </h1>
      <ErrorNote error={error ?? logs.error} />
      {isLoading && <p role="status">Loading…</p>}
      <div className="tools">
        <input
          type="search"
          data-search=""
          aria-label="Search in this trace"
          placeholder="Name, service, attribute"
          value={search}
          onChange={(event) => setQuery({ q: event.target.value })}
          onKeyDown={(event) => event.key === "Enter" && nextFound()}
        />
        <span role="status" className="quiet">
          {count(tree.rows.length)} spans, {duration(tree.durationMs)}
          {search !== "" && `, ${count(found.length)} found`}
        </span>
        <button
          type="button"
          onClick={() =>
            setFolded(
              new Set(
                tree.rows.filter((row) => row.children > 0 && row.depth > 0).map(({ span }) => span.spanId),
              ),
            )
          }
        >
          Fold all
        </button>
        <button type="button" onClick={() => setFolded(new Set())}>
          Unfold all
        </button>
        <button type="button" disabled={zoom === undefined} onClick={() => setZoom(undefined)}>
          Whole time
        </button>
        <CopyButton text={raw} label="Copy JSON" />
        <button
          type="button"
          onClick={() => download(`trace-${id}.json`, new Blob([raw()], { type: "application/json" }))}
        >
          JSON
        </button>
      </div>
      <div className="trace">
        <Waterfall
          tree={tree}
          visible={visible}
          folded={folded}
          found={found}
          chosen={place}
          window={window}
          onChoose={choose}
          onToggle={toggle}
          onZoom={setZoom}
        />
        {chosen !== -1 && <SpanDetail tree={tree} index={chosen} logs={logs.data?.items ?? []} />}
      </div>
    </>
  );
}
