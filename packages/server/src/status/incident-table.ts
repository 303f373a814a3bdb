import type { ComponentStatus, IncidentImpact, IncidentInfo, IncidentStatus } from "@sandglass/protocol";
import type { StatusDatabase } from "./status-database.ts";

interface IncidentRow {
  id: string;
  title: string;
  status: IncidentStatus;
  impact: IncidentImpact;
  automatic: number;
  taken_over: number;
  opened_at: number;
  resolved_at: number | null;
}

/** An incident, with what only the daemon needs to know of it. */
export interface KeptIncident extends IncidentInfo {
  /** A person has written to one that probes opened: they resolve it no more. */
  isTakenOver: boolean;
}

/** Incidents and their updates, as they are on disk. */
export class IncidentTable {
  readonly #database: StatusDatabase;

  constructor(database: StatusDatabase) {
    this.#database = database;
  }

  get(id: string): KeptIncident | undefined {
    const row = this.#database.statements.get<IncidentRow>("SELECT * FROM incidents WHERE id = ?", id);
    return row === undefined ? undefined : this.#withParts(row);
  }

  /** Newest first. */
  list(limit: number, isOpen = false): KeptIncident[] {
    const which = isOpen ? "WHERE resolved_at IS NULL" : "";
    const sql = `SELECT * FROM incidents ${which} ORDER BY opened_at DESC, id DESC LIMIT ?`;
    return this.#database.statements.all<IncidentRow>(sql, limit).map((row) => this.#withParts(row));
  }

  add(incident: {
    id: string;
    title: string;
    status: IncidentStatus;
    impact: IncidentImpact;
    isAutomatic: boolean;
    components: Readonly<Record<string, ComponentStatus>>;
    message: string;
    at: number;
  }): void {
    const { id, title, status, impact, isAutomatic, components, message, at } = incident;
    this.#database.statements.run(
      "INSERT INTO incidents (id, title, status, impact, automatic, opened_at) VALUES (?, ?, ?, ?, ?, ?)",
      ...[id, title, status, impact, Number(isAutomatic), at],
    );
    this.update(id, { status, impact, components, message, at });
  }

  /** Adds an update; "resolved" ends the incident. */
  update(
    id: string,
    change: {
      status: IncidentStatus;
      impact: IncidentImpact;
      components: Readonly<Record<string, ComponentStatus>>;
      message: string;
      at: number;
      isTakenOver?: boolean;
    },
  ): void {
    const { statements } = this.#database;
    const { status, impact, components, message, at, isTakenOver = false } = change;
    statements.run(
      "UPDATE incidents SET status = ?, impact = ?, resolved_at = ?, taken_over = max(taken_over, ?) WHERE id = ?",
      ...[status, impact, status === "resolved" ? at : null, Number(isTakenOver), id],
    );
    for (const [component, componentStatus] of Object.entries(components)) {
      this.setComponent(id, component, componentStatus);
    }
    statements.run(
      "INSERT INTO incident_updates (incident, status, message, at) VALUES (?, ?, ?, ?)",
      ...[id, status, message, at],
    );
  }

  setComponent(id: string, component: string, status: ComponentStatus): void {
    this.#database.statements.run(
      "INSERT INTO incident_components VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET status = excluded.status",
      ...[id, component, status],
    );
  }

  #withParts(row: IncidentRow): KeptIncident {
    const { statements } = this.#database;
    const components = statements.all<{ component: string; status: ComponentStatus }>(
      "SELECT component, status FROM incident_components WHERE incident = ? ORDER BY component",
      row.id,
    );
    const updates = statements.all<{ key: number; status: IncidentStatus; message: string; at: number }>(
      "SELECT key, status, message, at FROM incident_updates WHERE incident = ? ORDER BY key DESC",
      row.id,
    );
    return {
      id: row.id,
      title: row.title,
      status: row.status,
      impact: row.impact,
      components: Object.fromEntries(components.map(({ component, status }) => [component, status])),
      isAutomatic: row.automatic === 1,
      isTakenOver: row.taken_over === 1,
      openedAt: new Date(row.opened_at).toISOString(),
      ...(row.resolved_at !== null && { resolvedAt: new Date(row.resolved_at).toISOString() }),
      updates: updates.map(({ key, status, message, at }) => ({
        id: `upd_${key}`,
        status,
        message,
        at: new Date(at).toISOString(),
      })),
    };
  }
}
