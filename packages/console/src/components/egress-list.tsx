import type { SandboxInfo } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { bytes, clock, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import type { EgressEvent } from "../lib/sandbox-record.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { Link } from "./link.tsx";
import { Badge, Empty } from "./notes.tsx";

const COLUMNS: readonly Column<EgressEvent>[] = [
  {
    title: "To",
    cell: ({ data }) => (
      <code>{data.host === "" ? "(no address)" : safeText(`${data.host}:${data.port}`, 200)}</code>
    ),
  },
  { title: "Decision", cell: ({ type }) => <Badge of={type === "network.egress" ? "let out" : "denied"} /> },
  { title: "Times", cell: ({ data }) => data.count ?? 1, isNumber: true },
  {
    title: "In",
    cell: (event) => ("bytesIn" in event.data ? bytes(event.data.bytesIn) : ""),
    isNumber: true,
  },
  {
    title: "Out",
    cell: (event) => ("bytesOut" in event.data ? bytes(event.data.bytesOut) : ""),
    isNumber: true,
  },
  {
    title: "Took",
    cell: (event) => ("durationMs" in event.data ? duration(event.data.durationMs) : ""),
    isNumber: true,
  },
  { title: "When", cell: ({ timestamp }) => <time>{clock(timestamp)}</time> },
  {
    title: "Why",
    cell: ({ data }) =>
      safeText(("reason" in data ? data.reason.replaceAll("_", " ") : data.error) ?? "", 300),
  },
  {
    title: "By",
    cell: ({ data, sandboxId }) =>
      data.execId === undefined ? (
        ""
      ) : (
        <Link to={`/sandboxes/${sandboxId}?exec=${data.execId}`}>{data.execId.slice(-8)}</Link>
      ),
  },
];

/** What a sandbox tried to reach, and what was decided. */
export function EgressList({
  sandbox,
  events,
}: {
  sandbox: SandboxInfo;
  events: readonly EgressEvent[];
}): ReactNode {
  if (events.length > 0)
    return <DataTable name="egress" items={events} columns={COLUMNS} keyOf={({ id }) => id} />;
  return Object.keys(sandbox.network).length === 0 ? (
    <Empty title="It reaches nothing">
      <p>A sandbox has no network unless it is made with one. To let it reach a host:</p>
      <pre>sandglass create --allow-host pypi.org</pre>
    </Empty>
  ) : (
    <Empty title="It has not tried to reach anything yet">
      <p>Each connection is listed here, let out or denied, with the exec that made it.</p>
    </Empty>
  );
}
