import { useCallback, useEffect, useState } from "react";
import { callJson } from "../api/api.ts";

export interface Loaded<T> {
  data: T | undefined;
  error: Error | undefined;
  isLoading: boolean;
  reload(): void;
}

/**
 * Reads a path of the API, again whenever it changes, and every `refreshMs` while the page is looked at.
 *
 * @param path undefined reads nothing
 */
export function useApi<T>(path: string | undefined, refreshMs = 0): Loaded<T> {
  const [state, setState] = useState<{ path?: string; data?: T; error?: Error }>({});
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((before) => before + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new turn is what reads again
  useEffect(() => {
    if (path === undefined) return;
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async (): Promise<void> => {
      try {
        if (!document.hidden) {
          const data = await callJson<T>(path, { signal: gone.signal });
          setState({ path, data });
        }
      } catch (error) {
        if (gone.signal.aborted) return;
        // What was there goes on being shown, beside the error.
        setState((before) => ({ ...(before.path === path ? before : { path }), error: error as Error }));
      }
      if (refreshMs > 0 && !gone.signal.aborted) timer = setTimeout(() => void read(), refreshMs);
    };
    void read();
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [path, refreshMs, turn]);

  const isCurrent = state.path === path;
  return {
    data: isCurrent ? state.data : undefined,
    error: isCurrent ? state.error : undefined,
    isLoading: path !== undefined && !isCurrent,
    reload,
  };
}
