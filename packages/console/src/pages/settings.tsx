import type { Check, DoctorReport } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { type Column, DataTable } from "../components/data-table.tsx";
import { KeyTable } from "../components/key-table.tsx";
import { Badge, Empty, ErrorNote } from "../components/notes.tsx";
import { type Tab, Tabs } from "../components/tabs.tsx";
import { useApi } from "../hooks/use-api.ts";
import { setQuery, useRoute, useScope } from "../hooks/use-route.ts";
import { safeText } from "../lib/safe-text.ts";

type Option = DoctorReport["config"][number];

const CHECKS: readonly Column<Check>[] = [
  { title: "Check", cell: ({ name }) => name },
  { title: "State", cell: ({ status }) => <Badge of={status} /> },
  {
    title: "Found",
    isWide: true,
    cell: ({ detail, hint }) => `${detail}${hint === undefined ? "" : ` (${hint})`}`,
  },
];
const OPTIONS: readonly Column<Option>[] = [
  { title: "Option", cell: ({ option }) => <code>{option}</code> },
  {
    title: "Value",
    isWide: true,
    cell: ({ value }) => (value === "" ? <span className="quiet">not set</span> : safeText(value, 300)),
  },
  { title: "From", cell: ({ source }) => source },
];
/** What says how sandboxes are made, and what they may. */
const POLICY =
  /^(templates|pool|defaults|isolation|maxSandboxes|network|egress|recording|otelExport|retention)/;

/** Keys, what the host enforces, and the configuration in force. */
export function SettingsPage(): ReactNode {
  const isAdmin = useScope("admin");
  const doctor = useApi<DoctorReport>("/v1/doctor");
  const { checks = [], config = [] } = doctor.data ?? {};
  const tabs: Tab[] = [
    ...(isAdmin ? [{ id: "keys", title: "Keys", view: () => <KeyTable /> }] : []),
    {
      id: "policy",
      title: "Templates and policy",
      view: () => (
        <>
          <p className="quiet">
            How sandboxes are made and what they may, unless they are asked for otherwise.
          </p>
          <Options
            items={config.filter(({ option }) => POLICY.test(option))}
            isLoaded={doctor.data !== undefined}
          />
        </>
      ),
    },
    {
      id: "doctor",
      title: "Doctor",
      view: () => (
        <>
          <p className="quiet">What this host enforces.</p>
          <DataTable name="checks" items={checks} columns={CHECKS} keyOf={({ name }) => name} />
        </>
      ),
    },
    {
      id: "configuration",
      title: "Configuration",
      view: () => <Options items={config} isLoaded={doctor.data !== undefined} />,
    },
  ];
  return (
    <>
      <h1>Settings</h1>
      <ErrorNote error={doctor.error} />
      <Tabs label="Settings" tabs={tabs} />
    </>
  );
}

/** Configuration in force, without its secrets. */
function Options({ items, isLoaded }: { items: readonly Option[]; isLoaded: boolean }): ReactNode {
  const { query } = useRoute();
  const wanted = (query.get("q") ?? "").toLowerCase();
  if (isLoaded && items.length === 0) {
    return (
      <Empty title="Your key does not see the configuration">
        <p>That takes an administrator's of the operator's organisation.</p>
      </Empty>
    );
  }
  return (
    <>
      <div className="tools">
        <input
          type="search"
          data-search=""
          aria-label="Search options"
          placeholder="Option or value"
          value={query.get("q") ?? ""}
          onChange={(event) => setQuery({ q: event.target.value })}
        />
      </div>
      <DataTable
        name="configuration"
        items={items.filter(({ option, value }) => `${option} ${value}`.toLowerCase().includes(wanted))}
        columns={OPTIONS}
        keyOf={({ option }) => option}
      />
    </>
  );
}
