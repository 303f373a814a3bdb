import type { Check, DoctorReport, KeyInfo, KeyList } from "@sandglass/protocol";
import { type ReactNode, useState } from "react";
import { call } from "../api/api.ts";
import { type Column, DataTable } from "../components/data-table.tsx";
import { Badge, ErrorNote } from "../components/notes.tsx";
import { useApi } from "../hooks/use-api.ts";
import { useScope } from "../hooks/use-route.ts";
import { clock } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";

const CHECKS: readonly Column<Check>[] = [
  { title: "Check", cell: ({ name }) => name },
  { title: "State", cell: ({ status }) => <Badge of={status} /> },
  { title: "Found", cell: ({ detail, hint }) => `${detail}${hint === undefined ? "" : ` (${hint})`}` },
];
const OPTIONS: readonly Column<DoctorReport["config"][number]>[] = [
  { title: "Option", cell: ({ option }) => <code>{option}</code> },
  { title: "Value", cell: ({ value }) => safeText(value, 300) },
  { title: "From", cell: ({ source }) => source },
];

/** Keys, what the host enforces, and the configuration in force. */
export function SettingsPage(): ReactNode {
  const isAdmin = useScope("admin");
  const doctor = useApi<DoctorReport>("/v1/doctor");
  return (
    <>
      <h1>Settings</h1>
      {isAdmin && <Keys />}
      <h2>What this host enforces</h2>
      <ErrorNote error={doctor.error} />
      <DataTable
        name="checks"
        items={doctor.data?.checks ?? []}
        columns={CHECKS}
        keyOf={({ name }) => name}
      />
      {(doctor.data?.config.length ?? 0) > 0 && (
        <>
          <h2>Configuration in force</h2>
          <DataTable
            name="configuration"
            items={doctor.data?.config ?? []}
            columns={OPTIONS}
            keyOf={({ option }) => option}
          />
        </>
      )}
    </>
  );
}

function Keys(): ReactNode {
  const { data, error, reload } = useApi<KeyList>("/v1/keys");
  const [problem, setProblem] = useState<Error>();
  const revoke = async (key: KeyInfo): Promise<void> => {
    if (!window.confirm(`Revoke ${key.name}? Whoever uses it is cut off at once.`)) return;
    setProblem(undefined);
    try {
      await call(`/v1/keys/${encodeURIComponent(key.id)}`, { method: "DELETE" });
    } catch (failure) {
      setProblem(failure as Error);
    }
    reload();
  };
  const columns: readonly Column<KeyInfo>[] = [
    { title: "Key", cell: ({ name }) => safeText(name, 100) },
    { title: "Organisation", cell: ({ orgId }) => orgId },
    { title: "Scopes", cell: ({ scopes }) => scopes.join(" ") },
    { title: "Made", cell: ({ createdAt }) => clock(createdAt) },
    { title: "Last used", cell: ({ lastUsedAt }) => (lastUsedAt === undefined ? "" : clock(lastUsedAt)) },
    { title: "Expires", cell: ({ expiresAt }) => (expiresAt === undefined ? "never" : clock(expiresAt)) },
    {
      title: "Action",
      cell: (key) => (
        <button type="button" className="danger" onClick={() => void revoke(key)}>
          Revoke
        </button>
      ),
    },
  ];
  return (
    <>
      <h2>Keys</h2>
      <p className="quiet">
        Make one with <code>sandglass keys create</code>: its secret is shown there once, and never here.
      </p>
      <ErrorNote error={error ?? problem} />
      <DataTable name="keys" items={data?.items ?? []} columns={columns} keyOf={({ id }) => id} />
    </>
  );
}
