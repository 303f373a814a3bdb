import type { EventLine, RuntimeEvent } from "@sandglass/protocol";
import { useCallback, useEffect, useState } from "react";
import { callLines } from "../api/api.ts";
import { Paced } from "../lib/paced.ts";

/** More are not held: of those the last. */
export const MAX_EVENTS: number = 5_000;
/** A flood is drawn ten times a second, not a thousand. */
const FLUSH_MS = 100;
const RETRY_MS = 2_000;

export interface Followed {
  /** In order; the last {@link MAX_EVENTS}. */
  events: RuntimeEvent[];
  error: Error | undefined;
  /** Everything that was recorded before is here. */
  isCaughtUp: boolean;
  /** Reads from the start again. */
  reload(): void;
}

/**
 * Follows the record, from the last {@link MAX_EVENTS} of it, across broken connections.
 *
 * @param query of `GET /v1/events`; undefined follows nothing
 * @param isLive false ends with what is there
 */
export function useEvents(query: string | undefined, isLive = true): Followed {
  const [followed, setFollowed] = useState<Omit<Followed, "reload">>({
    events: [],
    error: undefined,
    isCaughtUp: false,
  });
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((before) => before + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new turn is what reads again
  useEffect(() => {
    if (query === undefined) return;
    const gone = new AbortController();
    let events: RuntimeEvent[] = [];
    let cursor = "";
    setFollowed({ events, error: undefined, isCaughtUp: false });
    let isCaughtUp = false;
    let error: Error | undefined;
    const shown = new Paced(() => {
      if (!gone.signal.aborted) setFollowed({ events: [...events], error, isCaughtUp });
    }, FLUSH_MS);
    const read = async (isFollowing: boolean): Promise<void> => {
      const after = cursor === "" ? `&last=${MAX_EVENTS}` : `&after=${encodeURIComponent(cursor)}`;
      const path = `/v1/events?${query}${after}&follow=${isFollowing}`;
      for await (const line of callLines<EventLine>(path, { signal: gone.signal })) {
        cursor = line.cursor;
        if (line.type === "gap") continue;
        events.push(line);
        if (events.length > MAX_EVENTS * 2) events = events.slice(-MAX_EVENTS);
        error = undefined;
        shown.wake();
      }
      isCaughtUp = true;
      error = undefined;
      shown.run();
    };
    const follow = async (): Promise<void> => {
      while (!gone.signal.aborted) {
        try {
          // To its end first: while one follows, nothing tells that there is no more.
          await read(isCaughtUp);
          if (!isLive) return;
          await read(true);
        } catch (failure) {
          if (gone.signal.aborted) return;
          error = failure as Error;
          shown.run();
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    };
    void follow();
    return () => {
      gone.abort();
      shown.stop();
    };
  }, [query, isLive, turn]);
  return { ...followed, reload };
}
