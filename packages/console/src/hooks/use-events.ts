import type { EventLine, RuntimeEvent } from "@sandglass/protocol";
import { useEffect, useState } from "react";
import { callLines } from "../api/api.ts";

const MAX_EVENTS = 5_000;
/** What arrives within this is shown at once: a flood is drawn ten times a second, not a thousand. */
const FLUSH_MS = 100;
const RETRY_MS = 2_000;

export interface Followed {
  /** In order; the last {@link MAX_EVENTS}. */
  events: RuntimeEvent[];
  error: Error | undefined;
  /** Everything that was recorded before is here. */
  isCaughtUp: boolean;
}

/**
 * Follows the record, from the last {@link MAX_EVENTS} of it, across broken connections.
 *
 * @param query of `GET /v1/events`; undefined follows nothing
 * @param isLive false ends with what is there
 */
export function useEvents(query: string | undefined, isLive = true): Followed {
  const [followed, setFollowed] = useState<Followed>({ events: [], error: undefined, isCaughtUp: false });
  useEffect(() => {
    if (query === undefined) return;
    const gone = new AbortController();
    let events: RuntimeEvent[] = [];
    let cursor = "";
    let timer: ReturnType<typeof setTimeout> | undefined;
    setFollowed({ events, error: undefined, isCaughtUp: false });
    const show = (error?: Error, isCaughtUp = true): void => {
      clearTimeout(timer);
      timer = undefined;
      if (!gone.signal.aborted) setFollowed({ events: [...events], error, isCaughtUp });
    };
    const read = async (): Promise<void> => {
      const after = cursor === "" ? `&last=${MAX_EVENTS}` : `&after=${encodeURIComponent(cursor)}`;
      const path = `/v1/events?${query}${after}&follow=${isLive}`;
      for await (const line of callLines<EventLine>(path, { signal: gone.signal })) {
        cursor = line.cursor;
        if (line.type === "gap") continue;
        events.push(line);
        if (events.length > MAX_EVENTS * 2) events = events.slice(-MAX_EVENTS);
        timer ??= setTimeout(() => show(), FLUSH_MS);
      }
      show();
    };
    const follow = async (): Promise<void> => {
      while (!gone.signal.aborted) {
        try {
          await read();
          if (!isLive) return;
        } catch (error) {
          if (gone.signal.aborted) return;
          show(error as Error);
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    };
    void follow();
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [query, isLive]);
  return followed;
}
