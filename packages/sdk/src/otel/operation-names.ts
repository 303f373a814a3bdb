import type { RouteName } from "@sandglass/protocol";

/**
 * What a call of each route is called in telemetry: `sandglass.` and this is its span's name. They follow the methods of
 * the SDK, and are for users' dashboards: a change here breaks them.
 */
export const OPERATION_NAMES = {
  createSandbox: "sandboxes.create",
  listSandboxes: "sandboxes.list",
  getSandbox: "sandboxes.get",
  deleteSandbox: "sandboxes.terminate",
  pauseSandbox: "sandboxes.pause",
  resumeSandbox: "sandboxes.resume",
  exec: "execs.run",
  listExecs: "execs.list",
  getExec: "execs.get",
  killExec: "execs.kill",
  streamExec: "execs.stream",
  listFiles: "files.list",
  makeDirectory: "files.mkdir",
  moveFile: "files.move",
  statFile: "files.stat",
  readFile: "files.read",
  writeFile: "files.write",
  deleteFile: "files.remove",
  listEvents: "events.read",
  startRun: "runs.start",
  addRunEvents: "runs.add_events",
  listRuns: "runs.list",
  getRun: "runs.get",
  getTrace: "traces.get",
  listTraces: "traces.list",
  listLogs: "logs.list",
  createKey: "keys.create",
  listKeys: "keys.list",
  rotateKey: "keys.rotate",
  revokeKey: "keys.revoke",
  listExporters: "exporters.list",
  getExporter: "exporters.get",
  addExporter: "exporters.add",
  replaceExporter: "exporters.replace",
  removeExporter: "exporters.remove",
  retryExporter: "exporters.retry",
  flushExporters: "exporters.flush",
  doctor: "doctor",
  createConsoleLink: "console.link",
  healthz: "healthz",
  readyz: "readyz",
  openapi: "openapi",
  metrics: "metrics",
} as const satisfies Record<RouteName, string>;

/** The route's own, or that of a method which is more than its route. */
export type OperationName = (typeof OPERATION_NAMES)[RouteName] | "files.exists";
