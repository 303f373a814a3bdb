import type { LogEntry } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { clock, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import type { SpanRow, SpanTree } from "../lib/span-tree.ts";
import { CopyButton } from "./copy-button.tsx";
import { Link } from "./link.tsx";
import { Badge } from "./notes.tsx";

const MAX_LOGS = 500;

/** All that is known of one span, and the logs of it and of what it caused. */
export function SpanDetail({
  tree,
  index,
  logs,
}: {
  tree: SpanTree;
  index: number;
  logs: readonly LogEntry[];
}): ReactNode {
  const row = tree.rows[index] as SpanRow;
  const { span } = row;
  const inside = new Set(tree.rows.slice(index, row.end).map((each) => each.span.spanId));
  const own = logs.filter(({ spanId }) => inside.has(spanId));
  return (
    <aside aria-label="Span">
      <h2>{safeText(span.name, 200)}</h2>
      <p>
        <Badge of={span.status} /> {duration(span.durationMs)}, at {clock(span.startTime)}
        {span.cause !== undefined && (
          <>
            {" "}
            · <Badge of={span.cause} />
          </>
        )}
      </p>
      {span.message !== undefined && <p>{safeText(span.message, 1000)}</p>}
      <p className="quiet">
        {span.origin === "sandbox"
          ? "Told by a program inside the sandbox: it may say anything."
          : span.origin === "client"
            ? "Told by a program with a key."
            : "Recorded by the host."}{" "}
        {span.sandboxId !== "" && <Link to={`/sandboxes/${span.sandboxId}`}>its sandbox</Link>}
      </p>
      <h3>Attributes</h3>
      <Attributes of={span.attributes} />
      {span.events?.map((event) => (
        <section key={`${event.timestamp}${event.name}`}>
          <h3>Event {safeText(event.name, 100)}</h3>
          <Attributes of={event.attributes} />
        </section>
      ))}
      {span.links !== undefined && span.links.length > 0 && (
        <>
          <h3>Links</h3>
          <ul>
            {span.links.map(({ traceId, spanId }) => (
              <li key={traceId + spanId}>
                <Link to={`/traces/${traceId}?span=${spanId}`}>{traceId}</Link>
              </li>
            ))}
          </ul>
        </>
      )}
      <h3>Logs of it and what it caused ({own.length})</h3>
      <ul className="span-logs">
        {own.slice(0, MAX_LOGS).map((log) => (
          <li key={log.id}>
            <time>{clock(log.timestamp)}</time> {safeText(log.body, 1000)}
          </li>
        ))}
      </ul>
    </aside>
  );
}

function Attributes({ of }: { of: Record<string, unknown> }): ReactNode {
  return (
    <dl className="attributes">
      {Object.entries(of).map(([name, value]) => {
        const text = typeof value === "string" ? value : JSON.stringify(value);
        return (
          <div key={name}>
            <dt>{safeText(name, 200)}</dt>
            <dd>
              <span>{safeText(text, 1000)}</span> <CopyButton text={text} />{" "}
              {`${name}=${text}`.length <= 1000 && !name.includes("=") && (
                <Link to={`/traces?range=all&attribute=${encodeURIComponent(`${name}=${text}`)}`}>
                  Filter by
                </Link>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
