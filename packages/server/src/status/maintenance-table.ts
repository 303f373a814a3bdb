import type { MaintenanceInfo, MaintenanceStatus } from "@sandglass/protocol";
import type { StatusDatabase } from "./status-database.ts";

interface MaintenanceRow {
  id: string;
  title: string;
  message: string;
  status: MaintenanceStatus;
  components: string;
  starts_at: number;
  ends_at: number;
  created_at: number;
  ended_at: number | null;
}

/** Scheduled maintenance, as it is on disk. */
export class MaintenanceTable {
  readonly #database: StatusDatabase;

  constructor(database: StatusDatabase) {
    this.#database = database;
  }

  get(id: string): MaintenanceInfo | undefined {
    const row = this.#database.statements.get<MaintenanceRow>("SELECT * FROM maintenances WHERE id = ?", id);
    return row === undefined ? undefined : toInfo(row);
  }

  /** The latest first. */
  list(limit: number, isOpen = false): MaintenanceInfo[] {
    const which = isOpen ? "WHERE ended_at IS NULL" : "";
    const sql = `SELECT * FROM maintenances ${which} ORDER BY starts_at DESC, id DESC LIMIT ?`;
    return this.#database.statements.all<MaintenanceRow>(sql, limit).map(toInfo);
  }

  /** Those that have not ended, earliest first. */
  open(): MaintenanceInfo[] {
    return this.list(1000, true).reverse();
  }

  add(maintenance: MaintenanceInfo): void {
    const { id, title, message, status, components, startsAt, endsAt, createdAt } = maintenance;
    this.#database.statements.run(
      "INSERT INTO maintenances VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
      ...[id, title, message, status, JSON.stringify(components)],
      ...[Date.parse(startsAt), Date.parse(endsAt), Date.parse(createdAt)],
    );
  }

  setStatus(id: string, status: MaintenanceStatus, endedAt?: number): void {
    this.#database.statements.run(
      "UPDATE maintenances SET status = ?, ended_at = ? WHERE id = ?",
      ...[status, endedAt ?? null, id],
    );
  }
}

function toInfo(row: MaintenanceRow): MaintenanceInfo {
  return {
    id: row.id,
    title: row.title,
    message: row.message,
    status: row.status,
    components: JSON.parse(row.components) as string[],
    startsAt: new Date(row.starts_at).toISOString(),
    endsAt: new Date(row.ends_at).toISOString(),
    createdAt: new Date(row.created_at).toISOString(),
    ...(row.ended_at !== null && { endedAt: new Date(row.ended_at).toISOString() }),
  };
}
