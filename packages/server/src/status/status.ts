import { join } from "node:path";
import type {
  IncidentInfo,
  MaintenanceInfo,
  OpenIncidentRequest,
  ScheduleMaintenanceRequest,
  StatusExport,
  StatusReport,
  UpdateIncidentRequest,
} from "@sandglass/protocol";
import type { StatusConfig } from "../config/status-schema.ts";
import type { LoadedConfig } from "../config.ts";
import type { StatusStats } from "../metrics/status-metrics.ts";
import type { Sandglass } from "../sandglass.ts";
import { Board, incidentNotFound } from "./board.ts";
import type { ChangeLog } from "./change-log.ts";
import { openStatusDatabase } from "./open-status-database.ts";
import { exportedFiles } from "./pages/exported-files.ts";
import { type Picture, pictureOf, publicPart, reportOf } from "./picture.ts";
import { Prober } from "./prober.ts";
import { StatusDatabase } from "./status-database.ts";
import { StatusProbes } from "./status-probes.ts";
import { StatusRecord } from "./status-record.ts";
import { subscriptionSettings } from "./subscriptions/subscription-settings.ts";
import { Subscriptions } from "./subscriptions/subscriptions.ts";

/** A picture is as old as this at most, while nothing changes that it shows by itself. */
const PICTURE_MS = 5_000;

export interface StatusOptions {
  sandglass: Sandglass;
  loaded: LoadedConfig;
  /** Where this machine reaches the API. */
  baseUrl: string;
  /** Told of what no answer and no event says. */
  complain: (message: string, error: unknown) => void;
}

/**
 * How the service is, watched from the daemon itself and written by its operator. `status.db` in the data directory is the source of
 * truth; nothing of it can be rebuilt from the log.
 */
export class Status {
  /** Who is told, and their being told. */
  readonly subscriptions: Subscriptions;
  readonly #config: StatusConfig;
  readonly #board: Board;
  readonly #prober: Prober;
  readonly #record: StatusRecord;
  #public: { whole: Picture; part: Picture } | undefined;
  #closing: Promise<void> | undefined;
  #picture: { picture: Picture; revision: number; at: number } | undefined;

  /** @throws ConfigError; what opening the database fails with */
  constructor(options: StatusOptions) {
    const { sandglass, loaded, baseUrl, complain } = options;
    const { recorder, runtime, store, observability } = sandglass;
    this.#config = loaded.config.status;
    const probes = new StatusProbes({
      ...{ loaded, baseUrl, runtime, store },
      logStats: () => recorder.log.stats(),
      exporters: (orgId) => observability.list(orgId),
    });
    const path = join(loaded.config.dataDir, "status", "status.db");
    const database = openStatusDatabase(path, (reason, aside) =>
      complain(`the status page begins anew: its file was put aside as ${aside}`, reason),
    );
    const kept = new StatusDatabase(database);
    this.#board = new Board(kept, this.#config, (id) => probes.isPublic(id));
    this.#record = new StatusRecord(this.#board.changes, sandglass.emit, complain);
    this.subscriptions = new Subscriptions({
      ...{ database: kept, changes: this.#board.changes, onProblem: complain },
      ...subscriptionSettings(loaded),
      isPublic: (id) => this.#board.isPublicComponent(id),
      nameOf: (id) => this.#board.nameOf(id),
    });
    this.#prober = new Prober({ board: this.#board, probes: () => probes.all(), onProblem: complain });
  }

  /** What happens, for who passes it on. */
  get changes(): ChangeLog {
    return this.#board.changes;
  }

  /** All of it, hidden components too. */
  picture(): Picture {
    const now = Date.now();
    const kept = this.#picture;
    if (kept !== undefined && kept.revision === this.#board.revision && now - kept.at < PICTURE_MS)
      return kept.picture;
    const picture = pictureOf(this.#board, this.#config, now);
    this.#picture = { picture, revision: this.#board.revision, at: now };
    return picture;
  }

  /** What everybody may see. */
  publicPicture(): Picture {
    const whole = this.picture();
    if (this.#public?.whole !== whole) {
      const part = publicPart(whole, (id) => this.#board.isPublicComponent(id));
      this.#public = { whole, part };
    }
    return this.#public.part;
  }

  /** For metrics: as it is now, hidden components too. */
  stats(): StatusStats {
    const now = Date.now();
    const open = this.#board.maintenances.open();
    const inProgress = open.filter(({ status }) => status === "in_progress").length;
    return {
      components: this.#board.components().map(({ spec, shown, lastProbeAt }) => ({
        id: spec.id,
        status: shown,
        probeAgeMs: lastProbeAt === undefined ? undefined : Math.max(0, now - lastProbeAt),
      })),
      openImpacts: this.#board.incidents.list(1000, true).map(({ impact }) => impact),
      maintenances: { scheduled: open.length - inProgress, inProgress },
      probes: this.#prober.counts.found(),
      probeDurations: this.#prober.counts.durations(),
      ...this.subscriptions.stats(),
    };
  }

  /** @param isOperator who is not sees what is public */
  report(isOperator: boolean): StatusReport {
    return reportOf(isOperator ? this.picture() : this.publicPicture());
  }

  incidents(query: { limit: number; open?: boolean | undefined }, isOperator: boolean): IncidentInfo[] {
    const found = this.#board.incidents.list(query.limit, query.open);
    return found.filter((incident) => isOperator || this.#isPublic(incident)).map(asInfo);
  }

  /** @throws SandglassError INCIDENT_NOT_FOUND */
  incident(id: string, isOperator: boolean): IncidentInfo {
    const incident = this.#board.incidents.get(id);
    if (incident === undefined || !(isOperator || this.#isPublic(incident))) throw incidentNotFound(id);
    return asInfo(incident);
  }

  /** @throws SandglassError INVALID_REQUEST */
  openIncident(request: OpenIncidentRequest): IncidentInfo {
    return asInfo(this.#board.openIncident(request, Date.now()));
  }

  /** @throws SandglassError INCIDENT_NOT_FOUND, INCIDENT_RESOLVED, INVALID_REQUEST */
  updateIncident(id: string, request: UpdateIncidentRequest): IncidentInfo {
    return asInfo(this.#board.updateIncident(id, request, Date.now()));
  }

  maintenances(query: { limit: number; open?: boolean | undefined }, isOperator: boolean): MaintenanceInfo[] {
    const found = this.#board.maintenances.list(query.limit, query.open);
    return found.filter(({ components }) => isOperator || this.#isAnyPublic(components));
  }

  /** The public pages as files. @param baseUrl where they will be; absent: links are relative, and feeds name none */
  export(baseUrl: string | undefined): StatusExport["files"] {
    return exportedFiles(this.publicPicture(), baseUrl);
  }

  /** @throws SandglassError INVALID_REQUEST */
  schedule(request: ScheduleMaintenanceRequest): MaintenanceInfo {
    return this.#board.schedule(request, Date.now());
  }

  /** @throws SandglassError MAINTENANCE_NOT_FOUND */
  endMaintenance(id: string): void {
    this.#board.endMaintenance(id, Date.now());
  }

  /** Looks no more, puts the last changes into the record, closes the database. Idempotent. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#prober.stop();
    await this.subscriptions.close();
    await this.#record.stop();
    this.#board.close();
  }

  #isPublic({ components }: IncidentInfo): boolean {
    return this.#isAnyPublic(Object.keys(components));
  }

  #isAnyPublic(ids: readonly string[]): boolean {
    return ids.length === 0 || ids.some((id) => this.#board.isPublicComponent(id));
  }
}

/** Without what only the daemon needs to know. */
function asInfo(incident: IncidentInfo & { isTakenOver?: boolean }): IncidentInfo {
  const { isTakenOver: _, ...info } = incident;
  return info;
}
