import { createRequire } from "node:module";

// It comes with the mock OTLP server, two packages down.
const server = createRequire(createRequire(import.meta.url).resolve("@elastic/mockotlpserver"));
const core = createRequire(server.resolve("@opentelemetry/core"));
const conventions: Readonly<Record<string, unknown>> = core("@opentelemetry/semantic-conventions/incubating");

function namesThatBegin(prefix: string): ReadonlySet<unknown> {
  return new Set(Object.keys(conventions).flatMap((key) => (key.startsWith(prefix) ? conventions[key] : [])));
}

/** Every attribute of the OpenTelemetry semantic conventions, stable or not. */
export const CONVENTIONAL_ATTRIBUTES: ReadonlySet<unknown> = namesThatBegin("ATTR_");
/** Every metric of them. */
export const CONVENTIONAL_METRICS: ReadonlySet<unknown> = namesThatBegin("METRIC_");
