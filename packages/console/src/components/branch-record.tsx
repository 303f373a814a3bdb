import type { ReactNode } from "react";
import type { FileChange } from "../lib/sandbox-record.ts";
import { FileList } from "./file-list.tsx";
import { Empty } from "./notes.tsx";

/** Of a branch that cannot be compared any more: what the record says was done to its files. */
export function BranchRecord({ files }: { files: readonly FileChange[] }): ReactNode {
  if (files.length === 0) {
    return (
      <Empty title="The record knows of no file">
        <p>It can be compared no more, and no file of it was written or deleted through the API.</p>
      </Empty>
    );
  }
  return (
    <>
      <p className="quiet">
        It can be compared no more. These files were written or deleted through the API; what its code wrote
        is its own.
      </p>
      <FileList name="branch-files" files={files} />
    </>
  );
}
