import type { DeadLetter } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { usePaged } from "../hooks/use-paged.ts";
import { useTimeRange } from "../hooks/use-route.ts";
import { bytes, clock, count } from "../lib/format.ts";
import { safeLines, safeText } from "../lib/safe-text.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { Link } from "./link.tsx";
import { Empty, ErrorNote } from "./notes.tsx";

const REFRESH_MS = 5_000;
const COLUMNS: readonly Column<DeadLetter>[] = [
  { title: "Given up", cell: ({ deadAt }) => <time>{clock(deadAt)}</time> },
  { title: "Reason", isWide: true, cell: ({ reason }) => safeText(reason, 500) },
  { title: "What", isWide: true, cell: (letter) => <What letter={letter} /> },
  {
    title: "Sandbox",
    cell: ({ event, telemetry }) => {
      const { sandboxId = "" } = event ?? telemetry ?? {};
      return sandboxId === "" ? "" : <Link to={`/sandboxes/${sandboxId}`}>{sandboxId.slice(-8)}</Link>;
    },
  },
  {
    title: "Trace",
    cell: ({ event }) =>
      event === undefined ? (
        ""
      ) : (
        <Link to={`/traces/${event.traceId}?span=${event.spanId}`}>{event.traceId.slice(0, 8)}</Link>
      ),
  },
];

/** What an exporter's destination would not take, the latest first. */
export function DeadLetters({ exporterId }: { exporterId: string }): ReactNode {
  const { isLive } = useTimeRange();
  const path = `/v1/exporters/${encodeURIComponent(exporterId)}/dead-letters?limit=50`;
  const { items, error, isLoading, more } = usePaged(path, keyOf, isLive ? REFRESH_MS : 0);
  return (
    <section aria-label="Dead letters">
      <h2>Dead letters</h2>
      <ErrorNote error={error} />
      {isLoading && <p role="status">Loading…</p>}
      {items?.length === 0 && more === undefined && (
        <Empty title="Nothing was refused">
          <p>
            What the destination will not take for its content (a field too long, a schema that does not fit)
            is put here with its reason, and everything else goes on.
          </p>
        </Empty>
      )}
      {items !== undefined && (items.length > 0 || more !== undefined) && (
        <>
          <p className="quiet">
            The destination said no to these for what is in them. They are kept on the host and not sent
            again: <em>Retry now</em> is for what waits.
          </p>
          <DataTable
            name={`dead-letters-${exporterId}`}
            items={items}
            columns={COLUMNS}
            keyOf={keyOf}
            more={more}
          />
        </>
      )}
    </section>
  );
}

function What({ letter: { event, telemetry } }: { letter: DeadLetter }): ReactNode {
  if (event !== undefined) {
    return (
      <details>
        <summary>{event.type}</summary>
        <pre className="json">{safeLines(JSON.stringify(event, null, 2))}</pre>
      </details>
    );
  }
  if (telemetry === undefined) return "";
  return `${count(telemetry.items)} of ${telemetry.signal}, ${bytes(telemetry.sizeBytes)}`;
}

function keyOf({ deadAt, event, telemetry }: DeadLetter): string {
  const what = event?.id ?? `${telemetry?.receivedAt} ${telemetry?.signal} ${telemetry?.sizeBytes}`;
  return `${deadAt} ${what}`;
}
