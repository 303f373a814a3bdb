import { type MaintenanceInfo, newIncidentId } from "@sandglass/protocol";
import type { IncidentChange } from "./automatic-incidents.ts";
import { ChangeLog } from "./change-log.ts";
import { IncidentTable, type KeptIncident } from "./incident-table.ts";
import { MaintenanceTable } from "./maintenance-table.ts";
import type { StatusDatabase } from "./status-database.ts";

/** Incidents and maintenance, each step of which is told in {@link changes}. For what is inside a transaction. */
export class Journal {
  readonly changes: ChangeLog;
  readonly incidents: IncidentTable;
  readonly maintenances: MaintenanceTable;

  constructor(database: StatusDatabase) {
    this.changes = new ChangeLog(database);
    this.incidents = new IncidentTable(database);
    this.maintenances = new MaintenanceTable(database);
  }

  /** @param by who writes: probes, or a person */
  write(change: IncidentChange, now: number, by: "probes" | "person"): KeptIncident {
    const { incident, title, impact, status, components, message } = change;
    const id = incident?.id ?? newIncidentId();
    const automatic = by === "probes";
    if (incident === undefined) {
      this.incidents.add({
        ...{ id, title, status, impact, components, message },
        isAutomatic: automatic,
        at: now,
      });
    } else {
      const isTakenOver = !automatic && incident.isAutomatic;
      this.incidents.update(id, { status, impact, components, message, at: now, isTakenOver });
    }
    const kept = this.incidents.get(id) as KeptIncident;
    const data = {
      ...{ incidentId: id, title, impact, status, message },
      components: Object.keys(kept.components),
    };
    if (incident === undefined) this.changes.append("incident.opened", { ...data, automatic }, now);
    if (status === "resolved") {
      const durationMs = now - Date.parse(kept.openedAt);
      this.changes.append("incident.resolved", { ...data, durationMs }, now);
    } else if (incident !== undefined) this.changes.append("incident.updated", data, now);
    return kept;
  }

  schedule(maintenance: MaintenanceInfo, now: number): void {
    this.maintenances.add(maintenance);
    const data = { ...subjectOf(maintenance), message: maintenance.message };
    this.changes.append("maintenance.scheduled", data, now);
  }

  setMaintenance(
    maintenance: MaintenanceInfo,
    status: "in_progress" | "completed" | "cancelled",
    now: number,
  ): void {
    const type = status === "in_progress" ? "started" : status;
    this.maintenances.setStatus(maintenance.id, status, status === "in_progress" ? undefined : now);
    this.changes.append(`maintenance.${type}`, subjectOf(maintenance), now);
  }
}

function subjectOf({ id, title, components, startsAt, endsAt }: MaintenanceInfo) {
  return { maintenanceId: id, title, components, startsAt, endsAt };
}
