import type { DeletionResult } from "@sandglass/protocol";
import { type ReactNode, useRef, useState } from "react";
import { callJson } from "../api/api.ts";
import { go, useScope } from "../hooks/use-route.ts";
import { bytes, count } from "../lib/format.ts";
import { ErrorNote } from "./notes.tsx";

interface DeleteRecordProps {
  /** Of the API. */
  path: string;
  /** What goes, in words: "this run and its sandboxes". */
  what: string;
  /** The view to go to when it is gone. */
  backTo: string;
}

/** Deletes what is recorded of something, behind a question; for keys that may. */
export function DeleteRecord({ path, what, backTo }: DeleteRecordProps): ReactNode {
  const isAdmin = useScope("admin");
  const question = useRef<HTMLDialogElement>(null);
  const [error, setError] = useState<Error>();
  const [isBusy, setBusy] = useState(false);
  const [gone, setGone] = useState<DeletionResult>();
  if (!isAdmin) return null;
  const remove = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      setGone(await callJson<DeletionResult>(path, { method: "DELETE" }));
    } catch (failure) {
      setError(failure as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" className="danger" onClick={() => question.current?.showModal()}>
        Delete record
      </button>
      <dialog ref={question} aria-labelledby="delete-title" onClose={() => gone && go(backTo)}>
        <h2 id="delete-title">{gone === undefined ? `Delete ${what}?` : "Deleted"}</h2>
        {gone === undefined ? (
          <p>
            Events, output, traces, logs and metrics of it are taken out of everything that this host keeps,
            the log included. What was delivered elsewhere stays there. It cannot be undone.
          </p>
        ) : (
          <p role="status">
            {count(gone.events)} events, {bytes(gone.bytes)} in all.
          </p>
        )}
        <ErrorNote error={error} />
        <form method="dialog" className="tools">
          <button type="submit">{gone === undefined ? "Keep it" : "Close"}</button>
          {gone === undefined && (
            <button type="button" className="danger" disabled={isBusy} onClick={() => void remove()}>
              {isBusy ? "Deleting…" : "Delete for good"}
            </button>
          )}
        </form>
      </dialog>
    </>
  );
}
