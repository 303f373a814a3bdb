import { requireOperator } from "../../auth.ts";
import { isOperator } from "../../caller.ts";
import type { Status } from "../../status/status.ts";
import { noStatus } from "../../status/status-probes.ts";
import type { Handlers } from "../call.ts";
import type { HandlerServices } from "./handler-services.ts";

type StatusHandlers = Pick<
  Handlers,
  | "getStatus"
  | "exportStatus"
  | "listIncidents"
  | "openIncident"
  | "getIncident"
  | "updateIncident"
  | "listMaintenances"
  | "scheduleMaintenance"
  | "endMaintenance"
>;

/** How the service is. The service is the operator's: others read what is public, and write nothing. */
export function statusHandlers(services: HandlerServices): StatusHandlers {
  /** @throws SandglassError ROUTE_NOT_FOUND where it is switched off */
  const status = (): Status => {
    if (services.status === undefined) throw noStatus();
    return services.status;
  };
  return {
    getStatus: ({ caller }) => status().report(isOperator(caller)),

    exportStatus: ({ query }) => ({ files: status().export(query.baseUrl) }),

    listIncidents: ({ query, caller }) => ({ items: status().incidents(query, isOperator(caller)) }),

    openIncident: ({ body, caller }) => {
      requireOperator(caller, "an incident of the service");
      return status().openIncident(body);
    },

    getIncident: ({ params, caller }) => status().incident(params.incidentId ?? "", isOperator(caller)),

    updateIncident: ({ params, body, caller }) => {
      requireOperator(caller, "an incident of the service");
      return status().updateIncident(params.incidentId ?? "", body);
    },

    listMaintenances: ({ query, caller }) => ({ items: status().maintenances(query, isOperator(caller)) }),

    scheduleMaintenance: ({ body, caller }) => {
      requireOperator(caller, "maintenance of the service");
      return status().schedule(body);
    },

    endMaintenance: ({ params, caller }) => {
      requireOperator(caller, "maintenance of the service");
      status().endMaintenance(params.maintenanceId ?? "");
    },
  };
}
