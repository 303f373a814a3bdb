import type { Attributes } from "@opentelemetry/api";
import { ROUTES } from "@sandglass/protocol";
import { type Call, pathOf } from "../transport/call.ts";
import type { OperationStart } from "./operation.ts";
import { OPERATION_NAMES } from "./operation-names.ts";

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** What telemetry says of a call before it is made. */
export function operationStart(call: Call, base: URL): OperationStart {
  return {
    name: call.name ?? OPERATION_NAMES[call.route],
    tracing: call.tracing,
    server: {
      "server.address": base.hostname,
      "server.port": base.port === "" ? (DEFAULT_PORTS[base.protocol] ?? 0) : Number(base.port),
    },
    attributes: () => attributesOf(call, base),
  };
}

function attributesOf(call: Call, base: URL): Attributes {
  const { method, path } = ROUTES[call.route];
  const { id, execId, runId = call.tracing?.runId, exporterId } = call.params ?? {};
  return {
    "http.request.method": method,
    "url.full": base.origin + base.pathname.replace(/\/+$/, "") + pathOf(call),
    "url.template": path,
    ...(id !== undefined && { "sandglass.sandbox.id": id }),
    ...(execId !== undefined && { "sandglass.exec.id": execId }),
    ...(runId !== undefined && { "sandglass.run.id": runId }),
    ...(exporterId !== undefined && { "sandglass.exporter.id": exporterId }),
    ...call.attributes,
  };
}
