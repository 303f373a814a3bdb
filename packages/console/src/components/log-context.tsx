import type { LogEntry, Page } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { useApi } from "../hooks/use-api.ts";
import { setQuery, useRoute } from "../hooks/use-route.ts";
import { safeText } from "../lib/safe-text.ts";
import { LogTable } from "./log-table.tsx";
import { Empty, ErrorNote } from "./notes.tsx";

const LINES = ["20", "100", "500"] as const;

/** A log record among what its sandbox, else its service, said before and after it. */
export function LogContext({ id }: { id: string }): ReactNode {
  const { query } = useRoute();
  const lines = query.get("lines") ?? LINES[0];
  const asked = new URLSearchParams({ around: id, lines });
  const { data, error, isLoading } = useApi<Page<LogEntry>>(`/v1/logs?${asked}`);
  const own = data?.items.find((each) => each.id === id);
  return (
    <>
      <h1>Logs</h1>
      <div className="tools">
        <button type="button" onClick={() => setQuery({ around: undefined, lines: undefined })}>
          Leave the context
        </button>
        <select
          aria-label="Records on each side"
          value={lines}
          onChange={(event) => setQuery({ lines: event.target.value })}
        >
          {LINES.map((count) => (
            <option key={count} value={count}>
              {count} before and after
            </option>
          ))}
        </select>
        <span className="quiet" role="status">
          {isLoading ? "Loading…" : own === undefined ? "" : `of ${speakerOf(own)}`}
        </span>
      </div>
      <ErrorNote error={error} />
      {data !== undefined && own === undefined && (
        <Empty title="This record is no longer kept">
          <p>It went with the retention, or was deleted.</p>
        </Empty>
      )}
      {data !== undefined && own !== undefined && <LogTable items={data.items} marked={id} />}
    </>
  );
}

function speakerOf({ sandboxId, service }: LogEntry): string {
  if (sandboxId !== "") return `sandbox ${sandboxId}`;
  return service === "" ? "programs without a service name" : `service ${safeText(service, 60)}`;
}
