import type { LogEntry } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { useRoute } from "../hooks/use-route.ts";
import { clock } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { Link } from "./link.tsx";
import { Badge } from "./notes.tsx";

interface LogTableProps {
  items: readonly LogEntry[];
  /** Id of one to be seen among the others. */
  marked?: string;
  more?: (() => void) | undefined;
}

/** Log records, one a row; opened, all their attributes. */
export function LogTable({ items, marked, more }: LogTableProps): ReactNode {
  const { query } = useRoute();
  const columns: readonly Column<LogEntry>[] = [
    { title: "Time", cell: ({ timestamp }) => <time>{clock(timestamp)}</time> },
    { title: "Level", cell: ({ severity }) => <Badge of={levelOf(severity)} /> },
    { title: "Record", cell: (log) => <Body log={log} isMarked={log.id === marked} />, isWide: true },
    { title: "Service", cell: ({ service }) => safeText(service, 60) },
    {
      title: "Sandbox",
      cell: ({ sandboxId }) =>
        sandboxId === "" ? "" : <Link to={`/sandboxes/${sandboxId}`}>{sandboxId.slice(-8)}</Link>,
    },
    {
      title: "Trace",
      cell: ({ traceId, spanId }) =>
        traceId === "" ? "" : <Link to={`/traces/${traceId}?span=${spanId}`}>{traceId.slice(0, 8)}</Link>,
    },
    { title: "Around", cell: ({ id }) => <Link to={contextOf(id, query)}>context</Link> },
  ];
  return <DataTable name="logs" items={items} columns={columns} keyOf={keyOf} more={more} />;
}

function keyOf({ id }: LogEntry): string {
  return id;
}

function Body({ log, isMarked }: { log: LogEntry; isMarked: boolean }): ReactNode {
  const body = isMarked ? (
    <span ref={reveal} className="log-body marked">
      {safeText(log.body, 2000)}
    </span>
  ) : (
    <span className="log-body">{safeText(log.body, 2000)}</span>
  );
  const attributes = Object.entries(log.attributes);
  if (attributes.length === 0) return body;
  return (
    <details>
      <summary>{body}</summary>
      <dl className="attributes">
        {attributes.map(([name, value]) => (
          <div key={name}>
            <dt>{safeText(name, 200)}</dt>
            <dd>{safeText(typeof value === "string" ? value : JSON.stringify(value), 1000)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

function reveal(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: "center" });
}

/** The search that found it stays in the address: leaving the context leads back to it. */
function contextOf(id: string, query: URLSearchParams): string {
  const asked = new URLSearchParams(query);
  asked.set("around", id);
  return `/logs?${asked}`;
}

function levelOf(severity: number): string {
  if (severity >= 17) return "error";
  if (severity >= 13) return "warn";
  return severity === 0 || severity >= 9 ? "info" : "debug";
}
