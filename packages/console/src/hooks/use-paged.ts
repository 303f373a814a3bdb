import type { Page } from "@sandglass/protocol";
import { useCallback, useEffect, useState } from "react";
import { callJson } from "../api/api.ts";

export interface Paged<T> {
  items: readonly T[] | undefined;
  error: Error | undefined;
  isLoading: boolean;
  /** Reads the next page; undefined where there is none. */
  more: (() => void) | undefined;
  reload(): void;
}

interface Kept<T> {
  path: string;
  items: readonly T[];
  nextCursor: string | undefined;
  pages: number;
}

/**
 * A list that is read page by page. The first page is read again every `refreshMs` while the page is looked at; what was read behind it stays.
 *
 * @param path with its query, without `cursor`; undefined reads nothing
 */
export function usePaged<T>(path: string | undefined, keyOf: (item: T) => string, refreshMs = 0): Paged<T> {
  const [kept, setKept] = useState<Kept<T>>();
  const [failure, setFailure] = useState<{ path: string | undefined; error: Error }>();
  const [turn, setTurn] = useState(0);
  const take = useCallback(
    (page: Page<T>, of: string, isFirst: boolean) =>
      setKept((before) => {
        const { items: old = [], nextCursor, pages = 0 } = before?.path === of ? before : {};
        if (isFirst && pages <= 1)
          return { path: of, items: page.items, nextCursor: page.nextCursor, pages: 1 };
        const all = isFirst ? [...page.items, ...old] : [...old, ...page.items];
        const items = [...new Map(all.toReversed().map((item) => [keyOf(item), item])).values()].reverse();
        return {
          path: of,
          items,
          nextCursor: isFirst ? nextCursor : page.nextCursor,
          pages: pages + (isFirst ? 0 : 1),
        };
      }),
    [keyOf],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new turn is what reads again
  useEffect(() => {
    if (path === undefined) return;
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async (): Promise<void> => {
      try {
        if (!document.hidden) {
          take(await callJson<Page<T>>(path, { signal: gone.signal }), path, true);
          setFailure(undefined);
        }
      } catch (error) {
        if (gone.signal.aborted) return;
        setFailure({ path, error: error as Error });
      }
      if (refreshMs > 0 && !gone.signal.aborted) timer = setTimeout(() => void read(), refreshMs);
    };
    void read();
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [path, refreshMs, turn, take]);

  const reload = useCallback(() => setTurn((before) => before + 1), []);
  const current = kept?.path === path ? kept : undefined;
  const { nextCursor } = current ?? {};
  const more = (): void => {
    if (path === undefined || nextCursor === undefined) return;
    const joint = path.includes("?") ? "&" : "?";
    callJson<Page<T>>(`${path}${joint}cursor=${encodeURIComponent(nextCursor)}`).then(
      (page) => take(page, path, false),
      (error: Error) => setFailure({ path, error }),
    );
  };
  return {
    items: current?.items,
    error: failure?.path === path ? failure?.error : undefined,
    isLoading: path !== undefined && current === undefined && failure?.path !== path,
    more: nextCursor === undefined ? undefined : more,
    reload,
  };
}
