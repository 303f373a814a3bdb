import { SandglassError } from "@sandglass/protocol";

export function exporterNotFound(id: string): SandglassError {
  return new SandglassError("EXPORTER_NOT_FOUND", `no exporter ${id.slice(0, 64)}`, {
    hint: "list them with: sandglass exporters",
  });
}

export function exporterExists(id: string): SandglassError {
  return new SandglassError("EXPORTER_CONFLICT", `there is an exporter ${id} already`, {
    hint: "give this one another id, or replace that one",
  });
}

/** What the configuration says, the API does not change: it would be back at the next start. */
export function exporterIsConfigured(id: string): SandglassError {
  return new SandglassError("EXPORTER_CONFLICT", `the exporter ${id} is part of the daemon's configuration`, {
    hint: "change the option observability there, and send the daemon SIGHUP",
  });
}

export function tooManyExporters(limit: number): SandglassError {
  return new SandglassError("EXPORTER_LIMIT_REACHED", `there are ${limit} exporters already`, {
    hint: "remove one that is not needed",
  });
}
