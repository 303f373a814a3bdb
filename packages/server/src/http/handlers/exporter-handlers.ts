import type { Handlers } from "../call.ts";
import type { HandlerServices } from "./handler-services.ts";

type ExporterHandlers = Pick<
  Handlers,
  | "listExporters"
  | "addExporter"
  | "flushExporters"
  | "getExporter"
  | "replaceExporter"
  | "removeExporter"
  | "listDeadLetters"
  | "retryExporter"
>;

export function exporterHandlers({ exporters }: HandlerServices): ExporterHandlers {
  return {
    listExporters: ({ caller }) => ({ items: exporters.list(caller) }),
    addExporter: ({ caller, body, confirm }) => exporters.add(caller, body, confirm),
    flushExporters: ({ caller, body }) => exporters.flush(caller, body),
    getExporter: ({ caller, params }) => exporters.get(caller, params.exporterId ?? ""),
    replaceExporter: ({ caller, params, body, confirm }) =>
      exporters.replace(caller, params.exporterId ?? "", body, confirm),
    removeExporter: ({ caller, params, query, confirm }) =>
      exporters.remove(caller, params.exporterId ?? "", query, confirm),
    listDeadLetters: ({ caller, params, query }) =>
      exporters.deadLetters(caller, params.exporterId ?? "", query),
    retryExporter: ({ caller, params }) => exporters.retry(caller, params.exporterId ?? ""),
  };
}
