import type { ComponentStatus } from "@sandglass/protocol";
import type { Component } from "./component-spec.ts";
import { JudgedStatus } from "./component-status.ts";
import type { StatusDatabase } from "./status-database.ts";

/** A component as it stands. */
export interface KnownComponent {
  readonly key: number;
  spec: Component;
  judged: JudgedStatus;
  /** What is said of it: probes, incidents and maintenance together. */
  shown: ComponentStatus;
  /** Unix milliseconds; of `shown`. */
  since: number;
  reason: string | undefined;
  latencyMs: number | undefined;
  /** Of this run of the daemon: whatever was before lies behind a gap. */
  lastProbeAt: number | undefined;
}

interface ComponentRow {
  key: number;
  probed: ComponentStatus;
  shown: ComponentStatus;
  since: number;
  reason: string | null;
}

/** Components as they are on disk, where they stay when they are gone: their history has their key. */
export class ComponentTable {
  readonly #database: StatusDatabase;

  constructor(database: StatusDatabase) {
    this.#database = database;
  }

  load(spec: Component, now: number): KnownComponent {
    this.#database.statements.run(
      `INSERT INTO components (id, name, probed, shown, since) VALUES (?, ?, 'operational', 'operational', ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name`,
      ...[spec.id, spec.name, now],
    );
    const sql = "SELECT * FROM components WHERE id = ?";
    const row = this.#database.statements.get<ComponentRow>(sql, spec.id) as ComponentRow;
    const { key, probed, shown, since, reason } = row;
    return {
      ...{ key, spec, shown, since },
      judged: new JudgedStatus(probed === "under_maintenance" ? "operational" : probed),
      reason: reason ?? undefined,
      latencyMs: undefined,
      lastProbeAt: undefined,
    };
  }

  save({ key, judged, shown, since, reason }: KnownComponent): void {
    this.#database.statements.run(
      "UPDATE components SET probed = ?, shown = ?, since = ?, reason = ? WHERE key = ?",
      ...[judged.current, shown, since, reason ?? null, key],
    );
  }

  /** Of one that may be gone; its id where nothing is known of it. */
  nameOf(id: string): string {
    const sql = "SELECT name FROM components WHERE id = ?";
    return this.#database.statements.get<{ name: string }>(sql, id)?.name ?? id;
  }
}
