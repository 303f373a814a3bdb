import type { LogEntry, TraceSpan } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { clock, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import { CopyButton } from "./copy-button.tsx";
import { Link } from "./link.tsx";
import { Badge } from "./notes.tsx";

const MAX_LOGS = 500;

/** All that is known of one span, and the logs of it and of what it caused. */
export function SpanDetail({ span, logs }: { span: TraceSpan; logs: readonly LogEntry[] }): ReactNode {
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
        {span.sandboxId !== "" && <Link to={`/sandboxes/${span.sandboxId}`}>its sandbox</Link>}{" "}
        {span.service !== undefined && safeText(`Service ${span.service}.`, 120)}
      </p>
      <p className="tools">
        <CopyButton text={span.spanId} label="Copy span id" />
        <CopyButton text={() => JSON.stringify(span, null, 2)} label="Copy JSON" />
      </p>
      <h3>Attributes</h3>
      <Attributes of={span.attributes} />
      {span.events?.map((event) => (
        <section key={`${event.timestamp}${event.name}`}>
          <h3>
            Event {safeText(event.name, 100)} <time>{clock(event.timestamp)}</time>
          </h3>
          <Attributes of={event.attributes} />
        </section>
      ))}
      {span.links !== undefined && span.links.length > 0 && (
        <>
          <h3>Links</h3>
          <ul>
            {span.links.map(({ traceId, spanId, attributes }) => (
              <li key={traceId + spanId}>
                <Link to={`/traces/${traceId}?span=${spanId}`}>{traceId}</Link>
                <Attributes of={attributes} />
              </li>
            ))}
          </ul>
        </>
      )}
      <h3>Logs of it and what it caused ({logs.length})</h3>
      <ul className="span-logs">
        {logs.slice(0, MAX_LOGS).map((log) => (
          <li key={log.id}>
            <time>{clock(log.timestamp)}</time> {safeText(log.body, 1000)}
          </li>
        ))}
      </ul>
      {logs.length > 0 && (
        <p>
          <Link to={`/logs?range=all&traceId=${span.traceId}`}>All logs of this trace</Link>
        </p>
      )}
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
