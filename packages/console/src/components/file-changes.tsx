import type { SandboxInfo } from "@sandglass/protocol";
import { type ReactNode, useState } from "react";
import { call } from "../api/api.ts";
import { bytes, clock } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import type { FileChange } from "../lib/sandbox-record.ts";
import { download } from "../lib/table-file.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { Badge, Empty, ErrorNote } from "./notes.tsx";

/** Files that were written, read or deleted through the API; those that still exist can be saved. */
export function FileChanges({
  sandbox,
  files,
}: {
  sandbox: SandboxInfo;
  files: readonly FileChange[];
}): ReactNode {
  const [error, setError] = useState<Error>();
  if (files.length === 0) {
    return (
      <Empty title="No file was written or read through the API">
        <p>What code inside writes is its own; what you bring in and take out is here:</p>
        <pre>{`sandglass files cp data.csv ${sandbox.id}:data.csv`}</pre>
      </Empty>
    );
  }
  const isThere = sandbox.state === "running" || sandbox.state === "paused";
  const save = async (path: string): Promise<void> => {
    setError(undefined);
    try {
      const inside = path.split("/").map(encodeURIComponent).join("/");
      const body = await call(`/v1/sandboxes/${sandbox.id}/files/${inside.replace(/^\//, "%2F")}`);
      download(path.split("/").at(-1) ?? "file", await body.blob());
    } catch (failure) {
      setError(failure as Error);
    }
  };
  const columns: readonly Column<FileChange>[] = [
    { title: "Path", cell: ({ path }) => <code>{safeText(path, 300)}</code> },
    { title: "Last", cell: ({ last }) => <Badge of={last} /> },
    {
      title: "Size",
      cell: ({ sizeBytes }) => (sizeBytes === undefined ? "" : bytes(sizeBytes)),
      isNumber: true,
    },
    { title: "Writes", cell: ({ writes }) => writes, isNumber: true },
    { title: "Reads", cell: ({ reads }) => reads, isNumber: true },
    { title: "When", cell: ({ at }) => <time>{clock(at)}</time> },
    {
      title: "File",
      cell: ({ path, last }) =>
        isThere && last !== "deleted" && last !== "error" ? (
          <button type="button" onClick={() => void save(path)}>
            Save
          </button>
        ) : (
          ""
        ),
    },
  ];
  return (
    <>
      <ErrorNote error={error} />
      <DataTable name="files" items={files} columns={columns} keyOf={({ path }) => path} />
    </>
  );
}
