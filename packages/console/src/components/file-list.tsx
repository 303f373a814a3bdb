import type { ReactNode } from "react";
import { clock } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import type { FileChange } from "../lib/sandbox-record.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { Badge } from "./notes.tsx";

const COLUMNS: readonly Column<FileChange>[] = [
  { title: "Path", cell: ({ path }) => <code>{safeText(path, 300)}</code> },
  { title: "Last", cell: ({ last }) => <Badge of={last} /> },
  { title: "When", cell: ({ at }) => <time>{clock(at)}</time> },
];

/** What was done to files through the API, as the record says. */
export function FileList({ name, files }: { name: string; files: readonly FileChange[] }): ReactNode {
  return <DataTable name={name} items={files} columns={COLUMNS} keyOf={({ path }) => path} />;
}
