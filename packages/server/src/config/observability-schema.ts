import { ExporterFilterSpec, ExporterSpec, strictObject } from "@sandglass/protocol/schemas";
import type { ExporterOptions } from "@sandglass/telemetry";
import { z } from "zod";
import type { ObservabilityOptions } from "./observability-options.ts";

/** Checked, in one shape. What is in `config` is checked where the provider is known. */
export interface ObservabilityConfig {
  exporters: ExporterOptions[];
  /** It was given as a single exporter: that is how messages name its options. */
  isSingle?: boolean;
}

const exporterSchema = strictObject({
  ...ExporterSpec.shape,
  // Not the API's: a file may hold more, and functions, which its measure would pass over.
  config: z.record(z.string(), z.unknown()).optional(),
  filter: strictObject({
    ...ExporterFilterSpec.shape,
    condition: z.custom((value) => typeof value === "function", { error: "must be a function" }).optional(),
  }).optional(),
});
const listSchema = strictObject({ exporters: z.array(exporterSchema) });

/** Takes both shapes: `{provider, config, …}` and `{exporters: [{provider, config, …}]}`. */
export const observabilitySchema = z.unknown().transform((given, context): ObservabilityConfig => {
  const has = (name: string) => typeof given === "object" && given !== null && name in given;
  const isSingle = has("provider") && !has("exporters");
  if (!isSingle && !has("exporters")) {
    context.addIssue("must be {provider, config} for one exporter, or {exporters: [{provider, config}, …]}");
    return z.NEVER;
  }
  const checked = isSingle ? exporterSchema.safeParse(given) : listSchema.safeParse(given);
  if (!checked.success) {
    for (const issue of checked.error.issues) context.issues.push({ ...issue, input: undefined } as never);
    return z.NEVER;
  }
  // What was checked is what the interface says; the schema cannot name the function's type.
  return (isSingle ? { exporters: [checked.data], isSingle } : checked.data) as ObservabilityConfig;
}) as unknown as z.ZodType<ObservabilityConfig, ObservabilityOptions>;

/**
 * How messages name an option of one of the exporters.
 *
 * @example optionPath(config, 1, "config.endpoint") // "observability.exporters[1].config.endpoint"
 */
export function optionPath({ isSingle }: ObservabilityConfig, index: number, option = ""): string {
  const exporter = isSingle === true ? "observability" : `observability.exporters[${index}]`;
  return option === "" ? exporter : `${exporter}.${option}`;
}
