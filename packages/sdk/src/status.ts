import type {
  IncidentInfo,
  IncidentList,
  MaintenanceInfo,
  MaintenanceList,
  OpenIncidentRequest,
  ScheduleMaintenanceRequest,
  StatusExport,
  StatusReport,
  UpdateIncidentRequest,
} from "@sandglass/protocol";
import type { Transport } from "./transport/transport.ts";

export interface HistoryOptions {
  /** Only what is not over. Default false. */
  open?: boolean;
  /** At most this many, 1 to 200. Default 50. */
  limit?: number;
}

/** How the service is, and what is said of it on its status page. Writing takes a key of the operator with the scope `admin`. */
export class Status {
  readonly #transport: Transport;

  /** Reached as `client.status`. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Components, open incidents, and maintenance that is planned or under way. */
  async get(): Promise<StatusReport> {
    return (await this.#transport.json<StatusReport>({ route: "getStatus" })).value;
  }

  /**
   * The public pages as files for another host, by path.
   *
   * @param baseUrl where they will be; without it there are no feeds, which name whole addresses
   */
  async export(baseUrl?: string): Promise<StatusExport["files"]> {
    const call = { route: "exportStatus", ...(baseUrl !== undefined && { query: { baseUrl } }) } as const;
    return (await this.#transport.json<StatusExport>(call)).value.files;
  }

  /** Newest first. */
  async incidents(options: HistoryOptions = {}): Promise<IncidentInfo[]> {
    const query = queryOf(options);
    return (await this.#transport.json<IncidentList>({ route: "listIncidents", query })).value.items;
  }

  /** @throws SandglassError INCIDENT_NOT_FOUND */
  async incident(incidentId: string): Promise<IncidentInfo> {
    const call = { route: "getIncident", params: { incidentId } } as const;
    return (await this.#transport.json<IncidentInfo>(call)).value;
  }

  /**
   * @throws SandglassError INVALID_REQUEST for a component that is none, FORBIDDEN
   * @example await client.status.openIncident({ title: "Slow starts", message: "We are looking into it.", components: { api: "degraded_performance" } })
   */
  async openIncident(request: OpenIncidentRequest): Promise<IncidentInfo> {
    return (await this.#transport.json<IncidentInfo>({ route: "openIncident", json: request })).value;
  }

  /** Says how it goes on; the status "resolved" ends it. @throws SandglassError INCIDENT_NOT_FOUND, INCIDENT_RESOLVED */
  async updateIncident(incidentId: string, request: UpdateIncidentRequest): Promise<IncidentInfo> {
    const call = { route: "updateIncident", params: { incidentId }, json: request } as const;
    return (await this.#transport.json<IncidentInfo>(call)).value;
  }

  /** The latest first. */
  async maintenances(options: HistoryOptions = {}): Promise<MaintenanceInfo[]> {
    const query = queryOf(options);
    return (await this.#transport.json<MaintenanceList>({ route: "listMaintenances", query })).value.items;
  }

  /** @throws SandglassError INVALID_REQUEST, FORBIDDEN */
  async scheduleMaintenance(request: ScheduleMaintenanceRequest): Promise<MaintenanceInfo> {
    return (await this.#transport.json<MaintenanceInfo>({ route: "scheduleMaintenance", json: request }))
      .value;
  }

  /** Cancels maintenance that has not begun, completes one that has. @throws SandglassError MAINTENANCE_NOT_FOUND */
  async endMaintenance(maintenanceId: string): Promise<void> {
    await this.#transport.json({ route: "endMaintenance", params: { maintenanceId } });
  }
}

function queryOf({ open, limit }: HistoryOptions): Record<string, string> {
  return {
    ...(open !== undefined && { open: String(open) }),
    ...(limit !== undefined && { limit: String(limit) }),
  };
}
