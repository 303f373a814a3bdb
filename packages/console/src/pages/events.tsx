import { type ReactNode, useMemo, useState } from "react";
import { EventList } from "../components/event-list.tsx";
import { Filters } from "../components/filters.tsx";
import { ErrorNote } from "../components/notes.tsx";
import { useEvents } from "../hooks/use-events.ts";
import { useRoute, useTimeRange } from "../hooks/use-route.ts";
import { count } from "../lib/format.ts";
import { SEARCH_HINT } from "../lib/search-hint.ts";
import { download, toCsv } from "../lib/table-file.ts";

const FILTERS = [
  ["search", "Search for words", SEARCH_HINT],
  ["q", "Text"],
  ["types", "Types: exec.*,!exec.streamed"],
  ["sandboxId", "Sandbox id"],
  ["runId", "Run id"],
  ["traceId", "Trace id"],
] as const;
const ASKED = ["search", "sandboxId", "runId", "traceId"] as const;

/** Events as they happen; or those that the store finds, which nothing is added to until they are searched for again. */
export function EventsPage(): ReactNode {
  const { query } = useRoute();
  const { sinceMs, isLive } = useTimeRange();
  const [pausedAt, setPausedAt] = useState<number>();
  const asked = new URLSearchParams({
    types: query.get("types") ?? "!http.request,!resource.sample,!exec.streamed",
  });
  for (const name of ASKED) {
    const value = query.get(name);
    if (value) asked.set(name, value);
  }
  const isSearch = asked.has("search");
  const { events, error, isCaughtUp, reload } = useEvents(asked.toString(), isLive && !isSearch);
  const text = (query.get("q") ?? "").toLowerCase();
  const until = isSearch ? undefined : pausedAt;
  const shown = useMemo(() => {
    const since = sinceMs === undefined ? 0 : Date.now() - sinceMs;
    return events.filter(
      (event) =>
        Date.parse(event.timestamp) >= since &&
        (until === undefined || Date.parse(event.timestamp) <= until) &&
        (text === "" || JSON.stringify(event).toLowerCase().includes(text)),
    );
  }, [events, text, until, sinceMs]);
  return (
    <>
      <h1>Events</h1>
      <Filters fields={FILTERS} />
      <div className="tools">
        {isSearch ? (
          <button type="button" onClick={reload}>
            Search again
          </button>
        ) : (
          <button type="button" onClick={() => setPausedAt(until === undefined ? Date.now() : undefined)}>
            {until === undefined ? "Pause" : "Go on"}
          </button>
        )}
        <button
          type="button"
          onClick={() => download("events.json", new Blob([JSON.stringify(shown, null, 2)]))}
        >
          JSON
        </button>
        <button type="button" onClick={() => download("events.csv", new Blob([toCsv(shown)]))}>
          CSV
        </button>
        <span className="quiet" role="status">
          {isSearch && !isCaughtUp
            ? "Searching…"
            : `${count(shown.length)} events${isSearch ? " found" : until === undefined ? "" : ", paused"}`}
        </span>
      </div>
      <ErrorNote error={error} />
      <EventList
        events={shown}
        isFollowing={!isSearch && until === undefined}
        isLoading={!isCaughtUp && error === undefined}
      />
    </>
  );
}
