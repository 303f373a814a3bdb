export { DeletionResult } from "./deletion.ts";
export * from "./event.ts";
export * from "./event-data.ts";
export * from "./exec.ts";
export * from "./exporter.ts";
export * from "./file.ts";
export * from "./fork.ts";
export * from "./host.ts";
export * from "./metric.ts";
export * from "./network.ts";
export { parseRequest } from "./parse-request.ts";
export * from "./run.ts";
export * from "./sandbox.ts";
export {
  ComponentStatus,
  IncidentInfo,
  IncidentList,
  MaintenanceInfo,
  MaintenanceList,
  OpenIncidentRequest,
  ScheduleMaintenanceRequest,
  StatusExport,
  StatusExportQuery,
  StatusHistoryQuery,
  StatusReport,
  UpdateIncidentRequest,
} from "./status.ts";
export { strictObject } from "./strict-object.ts";
export * from "./trace.ts";
