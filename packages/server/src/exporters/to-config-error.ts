import { SandglassError } from "@sandglass/protocol";
import { optionPath } from "../config/observability-schema.ts";
import { ConfigError, type LoadedConfig } from "../config.ts";

/** How the delivery says what is wrong with the configuration: which exporter, whether it is in its `config`, and what. */
const FORM = /^(?:exporters\[(\d+)\]: )?(?:(config) of the exporter "[^"]*": )?(.*)$/s;
/** How a check of `config` begins: `headers.x must be …`, or `unknown field "x"; …`. */
const FIELD = /^([A-Za-z_][\w.[\]-]*) (?=must |is )/;
const UNKNOWN_FIELD = /^unknown field "([^"]+)"/;

/** Names the option as the configuration has it, and where it was given. What is no catalogue error stays what it is. */
export function toConfigError(error: unknown, { config, origins }: LoadedConfig): unknown {
  if (!(error instanceof SandglassError)) return error;
  const [, index, group, said = error.message] = FORM.exec(error.message) ?? [];
  const field = group === undefined ? undefined : FIELD.exec(said)?.[1];
  const option = [group, field ?? (group && UNKNOWN_FIELD.exec(said)?.[1])].filter(Boolean).join(".");
  const problem = field === undefined ? said : said.slice(field.length + 1);
  const path =
    index === undefined ? "observability" : optionPath(config.observability, Number(index), option);
  const origin = origins.get("observability") ?? "by default";
  const hint = error.hint === undefined ? "" : `; ${error.hint}`;
  return new ConfigError(`invalid option ${path} (${origin}): ${problem}${hint}`);
}
