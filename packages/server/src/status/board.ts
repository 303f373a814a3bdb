import {
  type ComponentStatus,
  type IncidentInfo,
  type MaintenanceInfo,
  newMaintenanceId,
  type OpenIncidentRequest,
  SandglassError,
  type ScheduleMaintenanceRequest,
  type UpdateIncidentRequest,
} from "@sandglass/protocol";
import { changeFor, impactOf } from "./automatic-incidents.ts";
import type { ChangeLog } from "./change-log.ts";
import type { Component, Observation } from "./component-spec.ts";
import { type Hysteresis, worst } from "./component-status.ts";
import { ComponentTable, type KnownComponent } from "./component-table.ts";
import type { IncidentTable } from "./incident-table.ts";
import { Journal } from "./journal.ts";
import type { MaintenanceTable } from "./maintenance-table.ts";
import type { StatusDatabase } from "./status-database.ts";
import { UptimeTable } from "./uptime-table.ts";

/**
 * How the service is: what probes found, what people wrote, and what follows from both. Each call is one transaction, and what it
 * changed is in {@link changes} with it.
 */
export class Board {
  readonly changes: ChangeLog;
  readonly incidents: IncidentTable;
  readonly maintenances: MaintenanceTable;
  readonly uptime: UptimeTable;
  readonly #journal: Journal;
  readonly #table: ComponentTable;
  readonly #database: StatusDatabase;
  readonly #hysteresis: Hysteresis;
  readonly #isPublic: (componentId: string) => boolean;
  readonly #components = new Map<string, KnownComponent>();
  /** A transaction failed: what is known has to be read again. */
  #isStale = false;
  /** Grows with whatever a page could show. */
  revision = 0;

  constructor(database: StatusDatabase, hysteresis: Hysteresis, isPublic: (componentId: string) => boolean) {
    this.#database = database;
    this.#table = new ComponentTable(database);
    this.#hysteresis = hysteresis;
    this.#isPublic = isPublic;
    this.#journal = new Journal(database);
    this.changes = this.#journal.changes;
    this.incidents = this.#journal.incidents;
    this.maintenances = this.#journal.maintenances;
    this.uptime = new UptimeTable(database);
  }

  /** In the order they are shown in. */
  components(): KnownComponent[] {
    return [...this.#components.values()];
  }

  component(id: string): KnownComponent | undefined {
    return this.#components.get(id);
  }

  /** Also of one that is gone. */
  nameOf(id: string): string {
    return this.#components.get(id)?.spec.name ?? this.#table.nameOf(id);
  }

  isPublicComponent(id: string): boolean {
    return this.#isPublic(id);
  }

  /** Makes these the components. One that is gone is operational, as far as incidents are concerned. */
  setComponents(specs: readonly Component[], now: number): void {
    this.#change(now, () => {
      const before = new Map(this.#components);
      this.#components.clear();
      for (const spec of specs) {
        const known = before.get(spec.id) ?? this.#table.load(spec, now);
        known.spec = spec;
        this.#components.set(spec.id, known);
        before.delete(spec.id);
      }
      for (const { spec } of before.values()) this.#follow(spec, "operational", now);
    });
  }

  /**
   * Takes what a probe found.
   *
   * @param longestMs two probes further apart than this have a gap between them
   */
  observe(id: string, observation: Observation, now: number, longestMs: number): void {
    const known = this.#components.get(id);
    if (known === undefined) return;
    this.#change(now, () => {
      const { status, latencyMs, reason } = observation;
      const elapsed = now - (known.lastProbeAt ?? Number.NEGATIVE_INFINITY);
      const isGap = elapsed > longestMs || elapsed <= 0;
      this.uptime.record({
        component: known.key,
        at: now,
        status,
        latencyMs,
        since: isGap ? undefined : known.lastProbeAt,
        as: known.shown === "under_maintenance" ? "under_maintenance" : status,
      });
      known.lastProbeAt = now;
      known.latencyMs = latencyMs;
      known.reason = reason;
      if (!known.judged.hear(status, this.#hysteresis)) return;
      this.#table.save(known);
      if (known.shown !== "under_maintenance") this.#follow(known.spec, known.judged.current, now);
    });
  }

  /** Begins and ends maintenance whose time has come, and removes what is too old. */
  tick(now: number): void {
    const due = this.maintenances
      .open()
      .filter(
        ({ status, startsAt, endsAt }) => Date.parse(status === "scheduled" ? startsAt : endsAt) <= now,
      );
    if (due.length > 0) {
      this.#change(now, () => {
        for (const maintenance of due) {
          if (maintenance.status === "scheduled") this.#setMaintenance(maintenance, "in_progress", now);
          else this.#setMaintenance(maintenance, "completed", now);
        }
      });
    }
    this.#database.transaction(() => {
      this.uptime.prune(now);
      this.changes.prune(now);
    });
  }

  /** @throws SandglassError INVALID_REQUEST for a component that is none */
  openIncident(request: OpenIncidentRequest, now: number): IncidentInfo {
    const { title, message, status = "investigating", components = {} } = request;
    this.#requireComponents(Object.keys(components));
    const gravest = worst(Object.values(components));
    const impact = request.impact ?? impactOf(gravest, false);
    return this.#change(now, () =>
      this.#journal.write({ title, impact, status, components: { ...components }, message }, now, "person"),
    );
  }

  /** @throws SandglassError INCIDENT_NOT_FOUND, INCIDENT_RESOLVED, INVALID_REQUEST */
  updateIncident(id: string, request: UpdateIncidentRequest, now: number): IncidentInfo {
    const incident = this.incidents.get(id);
    if (incident === undefined) throw incidentNotFound(id);
    if (incident.resolvedAt !== undefined) {
      throw new SandglassError("INCIDENT_RESOLVED", `the incident ${id} is resolved`, {
        hint: "open another one: `sandglass incident open`",
      });
    }
    const { message, status = incident.status, impact = incident.impact, components = {} } = request;
    this.#requireComponents(Object.keys(components));
    const change = {
      incident,
      title: incident.title,
      impact,
      status,
      components: { ...components },
      message,
    };
    return this.#change(now, () => this.#journal.write(change, now, "person"));
  }

  /** @throws SandglassError INVALID_REQUEST */
  schedule(request: ScheduleMaintenanceRequest, now: number): MaintenanceInfo {
    const startsAt = new Date(request.startsAt);
    const endsAt = new Date(request.endsAt);
    if (endsAt <= startsAt) throw new SandglassError("INVALID_REQUEST", "endsAt must be behind startsAt");
    if (endsAt.getTime() <= now) throw new SandglassError("INVALID_REQUEST", "endsAt is not in the future");
    this.#requireComponents(request.components);
    const maintenance: MaintenanceInfo = {
      id: newMaintenanceId(),
      title: request.title,
      message: request.message,
      status: "scheduled",
      components: [...new Set(request.components)],
      startsAt: startsAt.toISOString(),
      endsAt: endsAt.toISOString(),
      createdAt: new Date(now).toISOString(),
    };
    this.#change(now, () => {
      this.#journal.schedule(maintenance, now);
      if (startsAt.getTime() <= now) this.#setMaintenance(maintenance, "in_progress", now);
    });
    return this.maintenances.get(maintenance.id) ?? maintenance;
  }

  /** Cancels what has not begun, completes what has. @throws SandglassError MAINTENANCE_NOT_FOUND */
  endMaintenance(id: string, now: number): void {
    const maintenance = this.maintenances.get(id);
    if (maintenance === undefined) {
      throw new SandglassError("MAINTENANCE_NOT_FOUND", `there is no maintenance ${id}`, {
        hint: "list it with `sandglass maintenance list`",
      });
    }
    if (maintenance.endedAt !== undefined) return;
    const status = maintenance.status === "scheduled" ? "cancelled" : "completed";
    this.#change(now, () => this.#setMaintenance(maintenance, status, now));
  }

  close(): void {
    this.#database.close();
  }

  #reload(now: number): void {
    for (const [id, known] of this.#components) {
      this.#components.set(id, this.#table.load(known.spec, now));
    }
    this.#isStale = false;
  }

  /** One transaction, what follows from it, and the word that something changed. */
  #change<T>(now: number, work: () => T): T {
    if (this.#isStale) this.#reload(now);
    try {
      const value = this.#database.transaction(() => {
        const done = work();
        this.#showAll(now);
        return done;
      });
      this.changes.wake();
      return value;
    } catch (error) {
      // What is in memory must not be ahead of the disk: the next probe finds it out again.
      this.#isStale = true;
      throw error;
    } finally {
      this.revision++;
    }
  }

  /** Probes say that a component has changed: incidents follow. */
  #follow(spec: Component, status: ComponentStatus, now: number): void {
    const change = changeFor(spec, status, this.incidents, now, this.#isPublic);
    if (change !== undefined) this.#journal.write(change, now, "probes");
  }

  #setMaintenance(
    maintenance: MaintenanceInfo,
    status: "in_progress" | "completed" | "cancelled",
    now: number,
  ): void {
    this.#journal.setMaintenance(maintenance, status, now);
    if (status !== "completed") return;
    // What was found meanwhile counts from here on.
    for (const id of maintenance.components) {
      const known = this.#components.get(id);
      if (known !== undefined) this.#follow(known.spec, known.judged.current, now);
    }
  }

  /** Brings what is shown of each component up to what is known of it. */
  #showAll(now: number): void {
    const maintained = new Set(
      this.maintenances
        .open()
        .flatMap(({ status, components }) => (status === "in_progress" ? components : [])),
    );
    const said = this.incidents
      .list(1000, true)
      .filter(({ isAutomatic, isTakenOver }) => !isAutomatic || isTakenOver);
    for (const [id, known] of this.#components) {
      const { judged, shown, spec, reason } = known;
      const bySaid = said.map(({ components }) => components[id] ?? "operational");
      const next = maintained.has(id) ? "under_maintenance" : worst([judged.current, ...bySaid]);
      if (next === shown) continue;
      known.shown = next;
      known.since = now;
      this.#table.save(known);
      const why = judged.current === "operational" || reason === undefined ? {} : { reason };
      this.changes.append(
        "status.changed",
        { component: id, name: spec.name, from: shown, to: next, ...why },
        now,
      );
    }
  }

  #requireComponents(ids: readonly string[]): void {
    const unknown = ids.find((id) => !this.#components.has(id));
    if (unknown === undefined) return;
    throw new SandglassError("INVALID_REQUEST", `there is no component ${unknown}`, {
      hint: `components are ${[...this.#components.keys()].join(", ")}`,
    });
  }
}

export function incidentNotFound(id: string): SandglassError {
  return new SandglassError("INCIDENT_NOT_FOUND", `there is no incident ${id}`, {
    hint: "list them with `sandglass incident list`",
  });
}
