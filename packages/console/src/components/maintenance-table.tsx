import type { ComponentInfo, MaintenanceInfo } from "@sandglass/protocol";
import { type ReactNode, useState } from "react";
import { call } from "../api/api.ts";
import { useIsOperator } from "../hooks/use-route.ts";
import { clock } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { Badge, Empty, ErrorNote } from "./notes.tsx";

interface MaintenanceTableProps {
  items: readonly MaintenanceInfo[];
  components: readonly ComponentInfo[];
  onChange(): void;
}

/** Maintenance that is planned, under way and over; what is not over can be ended. */
export function MaintenanceTable({ items, components, onChange }: MaintenanceTableProps): ReactNode {
  const isOperator = useIsOperator();
  const [problem, setProblem] = useState<Error>();
  const names = new Map(components.map(({ id, name }) => [id, name]));
  const end = async ({ id, title, status }: MaintenanceInfo): Promise<void> => {
    const isPlanned = status === "scheduled";
    const question = isPlanned ? `Cancel “${title}”?` : `Is “${title}” complete?`;
    if (!window.confirm(question)) return;
    setProblem(undefined);
    await call(`/v1/maintenances/${id}`, { method: "DELETE" }).catch(setProblem);
    onChange();
  };
  const columns: readonly Column<MaintenanceInfo>[] = [
    { title: "Maintenance", cell: ({ title }) => safeText(title, 80) },
    { title: "Status", cell: ({ status }) => <Badge of={status} /> },
    { title: "From", cell: ({ startsAt }) => clock(startsAt) },
    { title: "To", cell: ({ endsAt }) => clock(endsAt) },
    {
      title: "Components",
      isWide: true,
      cell: (item) => item.components.map((id) => safeText(names.get(id) ?? id, 60)).join(", "),
    },
    {
      title: "Action",
      cell: (item) =>
        isOperator && (item.status === "scheduled" || item.status === "in_progress") ? (
          <button type="button" onClick={() => void end(item)}>
            {item.status === "scheduled" ? "Cancel" : "Complete"}
          </button>
        ) : (
          ""
        ),
    },
  ];
  if (items.length === 0) {
    return (
      <Empty title="None planned">
        <p>Time under maintenance counts as neither up nor down, and opens no incident.</p>
      </Empty>
    );
  }
  return (
    <>
      <ErrorNote error={problem} />
      <DataTable name="maintenance" items={items} columns={columns} keyOf={({ id }) => id} />
    </>
  );
}
