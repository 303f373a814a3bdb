import type { IncidentInfo, StatusReport } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { IncidentForm } from "../components/incident-form.tsx";
import { Link } from "../components/link.tsx";
import { Badge, ErrorNote, Fact } from "../components/notes.tsx";
import { useApi } from "../hooks/use-api.ts";
import { useIsOperator, useTimeRange } from "../hooks/use-route.ts";
import { clock } from "../lib/format.ts";
import { safeLines, safeText } from "../lib/safe-text.ts";

const REFRESH_MS = 5_000;

/** One incident from its beginning, and what is said next. */
export function IncidentPage({ id }: { id: string }): ReactNode {
  const { isLive } = useTimeRange();
  const isOperator = useIsOperator();
  const { data, error, isLoading, reload } = useApi<IncidentInfo>(
    `/v1/incidents/${encodeURIComponent(id)}`,
    isLive ? REFRESH_MS : 0,
  );
  const report = useApi<StatusReport>(isOperator ? "/v1/status" : undefined);
  const components = report.data?.components ?? [];
  const names = new Map(components.map((each) => [each.id, each.name]));
  return (
    <>
      <h1>
        {data === undefined ? "Incident" : safeText(data.title, 200)}{" "}
        {data !== undefined && <Badge of={data.status} />}
      </h1>
      <p>
        <Link to="/status">All of the status page</Link>
      </p>
      <ErrorNote error={error} />
      {isLoading && <p role="status">Loading…</p>}
      {data !== undefined && (
        <>
          <dl className="facts">
            <Fact name="Impact">
              <Badge of={data.impact} />
            </Fact>
            <Fact name="Opened">
              {clock(data.openedAt)}, {data.isAutomatic ? "by probes, which resolve it too" : "by a person"}
            </Fact>
            {data.resolvedAt !== undefined && <Fact name="Resolved">{clock(data.resolvedAt)}</Fact>}
            {Object.entries(data.components).map(([component, status]) => (
              <Fact key={component} name={safeText(names.get(component) ?? component, 60)}>
                <Badge of={status} />
              </Fact>
            ))}
          </dl>
          {isOperator && data.resolvedAt === undefined && report.data !== undefined && (
            <>
              <h2>Say how it goes on</h2>
              <IncidentForm
                key={data.updates[0]?.id}
                components={components}
                incident={data}
                onDone={reload}
              />
            </>
          )}
          <h2>What was said</h2>
          <ol className="updates">
            {data.updates.map(({ id: update, status, message, at }) => (
              <li key={update}>
                <Badge of={status} /> <time>{clock(at)}</time>
                <p>{safeLines(message)}</p>
              </li>
            ))}
          </ol>
        </>
      )}
    </>
  );
}
