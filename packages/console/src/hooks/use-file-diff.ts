import { useEffect, useState } from "react";
import { call } from "../api/api.ts";
import { type FileText, readText } from "../lib/file-text.ts";
import { type LineDiff, lineDiff } from "../lib/line-diff.ts";

/** A file in two sandboxes; one of them is undefined where it is not to be looked for there. */
export interface FilePair {
  path: string;
  before: string | undefined;
  after: string | undefined;
}

export type FileDifference =
  | { state: "loading" }
  | { state: "error"; error: Error }
  /** Why there are no lines to compare, in words. */
  | { state: "none"; why: string }
  | { state: "lines"; diff: LineDiff };

/**
 * Reads a file of two sandboxes and compares its lines.
 *
 * @param turn reads it again where it is another one
 */
export function useFileDiff({ path, before, after }: FilePair, turn: unknown): FileDifference {
  const [known, setKnown] = useState<{ name: string; difference: FileDifference }>();
  const name = [before, after, path].join(":");
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new turn is what reads again
  useEffect(() => {
    const gone = new AbortController();
    const compare = async (): Promise<FileDifference> => {
      const read = (id: string | undefined): Promise<FileText> => readFile(id, path, gone.signal);
      const [old, now] = await Promise.all([read(before), read(after)]);
      if ("why" in old) return { state: "none", why: old.why };
      if ("why" in now) return { state: "none", why: now.why };
      const diff = lineDiff(old.text, now.text);
      return diff.added + diff.removed > 0
        ? { state: "lines", diff }
        : { state: "none", why: before === undefined || after === undefined ? "It is empty." : SAME };
    };
    compare()
      .catch((error: Error): FileDifference => ({ state: "error", error }))
      .then((difference) => {
        if (!gone.signal.aborted) setKnown({ name, difference });
      });
    return () => gone.abort();
  }, [name, path, before, after, turn]);
  return known?.name === name ? known.difference : { state: "loading" };
}

const SAME = "Its content is the same by now: what differs is its kind, its mode, or where it links to.";

/** Empty where it is not to be looked for. */
async function readFile(id: string | undefined, path: string, signal: AbortSignal): Promise<FileText> {
  if (id === undefined) return { text: "" };
  // The slash of an absolute path is encoded: without it the path would begin in /workspace.
  const inside = path.split("/").map(encodeURIComponent).join("/").replace(/^\//, "%2F");
  return readText(await call(`/v1/sandboxes/${id}/files/${inside}`, { signal }));
}
