import { type ReactNode, useMemo, useState } from "react";
import { EventList } from "../components/event-list.tsx";
import { Filters } from "../components/filters.tsx";
import { ErrorNote } from "../components/notes.tsx";
import { useEvents } from "../hooks/use-events.ts";
import { useRoute, useTimeRange } from "../hooks/use-route.ts";
import { download, toCsv } from "../lib/table-file.ts";

const FILTERS = [
  ["q", "Text"],
  ["types", "Types: exec.*,!exec.streamed"],
  ["sandboxId", "Sandbox id"],
  ["runId", "Run id"],
  ["traceId", "Trace id"],
] as const;

export function EventsPage(): ReactNode {
  const { query } = useRoute();
  const { sinceMs, isLive } = useTimeRange();
  const [pausedAt, setPausedAt] = useState<number>();
  const asked = new URLSearchParams({
    types: query.get("types") ?? "!http.request,!resource.sample,!exec.streamed",
  });
  for (const [name] of FILTERS.slice(2)) {
    const value = query.get(name);
    if (value) asked.set(name, value);
  }
  const { events, error } = useEvents(asked.toString(), isLive);
  const text = (query.get("q") ?? "").toLowerCase();
  const shown = useMemo(() => {
    const since = sinceMs === undefined ? 0 : Date.now() - sinceMs;
    return events.filter(
      (event) =>
        Date.parse(event.timestamp) >= since &&
        (pausedAt === undefined || Date.parse(event.timestamp) <= pausedAt) &&
        (text === "" || JSON.stringify(event).toLowerCase().includes(text)),
    );
  }, [events, text, pausedAt, sinceMs]);
  return (
    <>
      <h1>Events</h1>
      <Filters fields={FILTERS} />
      <div className="tools">
        <button type="button" onClick={() => setPausedAt(pausedAt === undefined ? Date.now() : undefined)}>
          {pausedAt === undefined ? "Pause" : "Go on"}
        </button>
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
          {shown.length} events{pausedAt !== undefined && ", paused"}
        </span>
      </div>
      <ErrorNote error={error} />
      <EventList events={shown} isFollowing={pausedAt === undefined} />
    </>
  );
}
