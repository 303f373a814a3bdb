import type {
  ComponentInfo,
  IncidentInfo,
  IncidentList,
  MaintenanceList,
  StatusReport,
} from "@sandglass/protocol";
import type { ReactNode } from "react";
import { ApiError } from "../api/api.ts";
import { type Column, DataTable } from "../components/data-table.tsx";
import { IncidentForm } from "../components/incident-form.tsx";
import { MaintenanceForm } from "../components/maintenance-form.tsx";
import { MaintenanceTable } from "../components/maintenance-table.tsx";
import { Badge, Empty, ErrorNote } from "../components/notes.tsx";
import { useApi } from "../hooks/use-api.ts";
import { go, useIsOperator, useTimeRange } from "../hooks/use-route.ts";
import { clock, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";

const REFRESH_MS = 5_000;
const COMPONENTS: readonly Column<ComponentInfo>[] = [
  { title: "Component", cell: ({ name }) => safeText(name, 60) },
  { title: "Status", cell: ({ status }) => <Badge of={status} /> },
  { title: "Since", cell: ({ since }) => clock(since) },
  {
    title: "Uptime, 90 days",
    isNumber: true,
    cell: ({ uptime }) =>
      uptime === undefined ? "–" : `${(Math.floor(uptime * 10_000) / 100).toFixed(2)} %`,
  },
  {
    title: "Last probe",
    isNumber: true,
    cell: ({ latencyMs }) => (latencyMs === undefined ? "–" : duration(latencyMs)),
  },
  { title: "Public", cell: ({ isPublic }) => (isPublic ? "yes" : "hidden") },
  { title: "Why", isWide: true, cell: ({ reason }) => safeText(reason ?? "", 300) },
];
const INCIDENTS: readonly Column<IncidentInfo>[] = [
  { title: "Incident", cell: ({ title }) => safeText(title, 80) },
  { title: "Status", cell: ({ status }) => <Badge of={status} /> },
  { title: "Impact", cell: ({ impact }) => <Badge of={impact} /> },
  { title: "Opened", cell: ({ openedAt }) => clock(openedAt) },
  { title: "Resolved", cell: ({ resolvedAt }) => (resolvedAt === undefined ? "" : clock(resolvedAt)) },
  { title: "By", cell: ({ isAutomatic }) => (isAutomatic ? "probes" : "a person") },
  { title: "Last word", isWide: true, cell: ({ updates }) => safeText(updates[0]?.message ?? "", 200) },
];

/** How the service is, as its status page says it, and what is written there by hand. */
export function StatusPage(): ReactNode {
  const { isLive } = useTimeRange();
  const isOperator = useIsOperator();
  const refresh = isLive ? REFRESH_MS : 0;
  const report = useApi<StatusReport>("/v1/status", refresh);
  const isOn = report.data !== undefined;
  const incidents = useApi<IncidentList>(isOn ? "/v1/incidents?limit=50" : undefined, refresh);
  const maintenances = useApi<MaintenanceList>(isOn ? "/v1/maintenances?limit=50" : undefined, refresh);
  const reload = (): void => {
    for (const each of [report, incidents, maintenances]) each.reload();
  };
  const components = report.data?.components ?? [];
  const isOff = report.error instanceof ApiError && report.error.code === "ROUTE_NOT_FOUND";
  return (
    <>
      <h1>Status</h1>
      {isOff ? (
        <Empty title="This daemon does not watch itself">
          <p>Its status page is switched off. Start it with:</p>
          <pre>sandglass serve --status-enabled</pre>
        </Empty>
      ) : (
        <ErrorNote error={report.error ?? incidents.error ?? maintenances.error} />
      )}
      {report.isLoading && <p role="status">Loading…</p>}
      {report.data !== undefined && (
        <>
          <p className={`status-line is-${report.data.indicator}`}>
            <strong>{safeText(report.data.description, 200)}</strong>{" "}
            <a href="/status" target="_blank" rel="noreferrer">
              What everybody sees
            </a>
          </p>
          <DataTable name="components" items={components} columns={COMPONENTS} keyOf={({ id }) => id} />
          <h2>Incidents</h2>
          {isOperator && (
            <details className="writer">
              <summary>Open an incident</summary>
              <IncidentForm components={components} onDone={({ id }) => go(`/status/${id}`)} />
            </details>
          )}
          {incidents.data?.items.length === 0 && (
            <Empty title="No incidents">
              <p>
                Probes open one when something fails twice in a row, and resolve it when it is well again.
              </p>
            </Empty>
          )}
          {incidents.data !== undefined && incidents.data.items.length > 0 && (
            <DataTable
              name="incidents"
              items={incidents.data.items}
              columns={INCIDENTS}
              keyOf={({ id }) => id}
              linkTo={({ id }) => `/status/${id}`}
            />
          )}
          <h2>Maintenance</h2>
          {isOperator && (
            <details className="writer">
              <summary>Schedule maintenance</summary>
              <MaintenanceForm components={components} onDone={reload} />
            </details>
          )}
          {maintenances.data !== undefined && (
            <MaintenanceTable items={maintenances.data.items} components={components} onChange={reload} />
          )}
          {!isOperator && (
            <p className="quiet">
              To write here takes an administrator's key of the operator's organisation.
            </p>
          )}
        </>
      )}
    </>
  );
}
