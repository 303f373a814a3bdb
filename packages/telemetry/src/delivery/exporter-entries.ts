import { SandglassError } from "@sandglass/protocol";
import type { ExporterOptions } from "./exporter-options.ts";

/** Names the entry of the configuration that an error is about. */
export function within<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SandglassError)) throw error;
    const { code, hint, message } = error;
    throw new SandglassError(code, `exporters[${index}]: ${message}`, { hint });
  }
}

/** The provider's name, with a number where it is taken or another entry has it for its id. */
export function freeId(provider: string, ids: ReadonlySet<string>, all: readonly ExporterOptions[]): string {
  for (let n = 1; ; n++) {
    const id = n === 1 ? provider : `${provider}-${n}`;
    if (!ids.has(id) && !all.some((options) => options.id === id)) return id;
  }
}

export function taken(id: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", `there is an exporter ${id} already`, {
    hint: "give this one another id",
  });
}

export function missing(id: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", `there is no exporter ${id}`, {
    hint: "list them with `sandglass exporters`",
  });
}
