import { type ReactNode, useState } from "react";
import { call } from "../api/api.ts";
import { setQuery, useRoute } from "../hooks/use-route.ts";
import { count, duration } from "../lib/format.ts";
import { download } from "../lib/table-file.ts";
import type { TraceShape } from "../trace/trace-shape.ts";
import { ErrorNote } from "./notes.tsx";

interface TraceToolsProps {
  traceId: string;
  shape: TraceShape;
  /** How many rows the search found; undefined where nothing is looked for. */
  found: number | undefined;
  isZoomed: boolean;
  logs: number;
  onNextFound(): void;
  onFoldAll(isFolded: boolean): void;
}

/** Search, what is shown and how, and the trace as a file. */
export function TraceTools(props: TraceToolsProps): ReactNode {
  const { traceId, shape, found, isZoomed, logs, onNextFound, onFoldAll } = props;
  const { query } = useRoute();
  const [error, setError] = useState<Error>();
  const isFlame = query.get("view") === "flame";
  const save = async (): Promise<void> => {
    try {
      download(`trace-${traceId}.json`, await (await call(`/v1/traces/${traceId}`)).blob());
    } catch (failure) {
      setError(failure as Error);
    }
  };
  return (
    <>
      <div className="tools">
        <input
          type="search"
          data-search=""
          aria-label="Search in this trace"
          placeholder="Name, service, attribute"
          value={query.get("q") ?? ""}
          onChange={(event) => setQuery({ q: event.target.value })}
          onKeyDown={(event) => event.key === "Enter" && onNextFound()}
        />
        <select
          aria-label="View"
          value={isFlame ? "flame" : ""}
          onChange={(event) => setQuery({ view: event.target.value })}
        >
          <option value="">waterfall</option>
          <option value="flame">flame</option>
        </select>
        <select
          aria-label="Spans shown"
          value={query.get("show") ?? ""}
          disabled={isFlame}
          onChange={(event) => setQuery({ show: event.target.value })}
        >
          <option value="">all spans</option>
          <option value="critical">critical path</option>
          <option value="errors">errors</option>
        </select>
        <button type="button" disabled={isFlame} onClick={() => onFoldAll(true)}>
          Fold all
        </button>
        <button type="button" disabled={isFlame} onClick={() => onFoldAll(false)}>
          Unfold all
        </button>
        <button type="button" disabled={!isZoomed} onClick={() => setQuery({ zoom: undefined })}>
          Whole time
        </button>
        {logs > 0 && (
          <label>
            <input
              type="checkbox"
              checked={query.get("logs") !== "0"}
              onChange={(event) => setQuery({ logs: event.target.checked ? undefined : "0" })}
            />{" "}
            {count(logs)} logs
          </label>
        )}
        <button type="button" onClick={() => void save()}>
          JSON
        </button>
        <span role="status" className="quiet">
          {count(shape.names.length)} spans, {duration(shape.durationMs)}
          {found !== undefined && `, ${count(found)} found`}
        </span>
      </div>
      <ErrorNote error={error} />
      {shape.services.length > 1 && (
        <p className="legends">
          {shape.services.slice(0, 8).map((name, index) => (
            <span key={name} className={`legend tone-${index}`}>
              {name === "" ? "host" : name.slice(0, 60)}
            </span>
          ))}
          <span className="legend critical-legend">critical path</span>
        </p>
      )}
    </>
  );
}
