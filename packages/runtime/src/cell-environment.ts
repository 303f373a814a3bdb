import { EGRESS_VARIABLES } from "./egress/egress-environment.ts";
import type { Cell } from "./exec/context.ts";
import { INSTRUMENT_VARIABLES } from "./instrument/instrumented-environment.ts";
import { IDENTITY_VARIABLES } from "./telemetry-environment.ts";

export interface CellEnvironmentParts {
  /** Given at the sandbox's creation. */
  env: Readonly<Record<string, string>>;
  /** Given with this exec. */
  own: Readonly<Record<string, string>>;
  /** Of the exec's span. */
  trace: Readonly<Record<string, string>>;
  /** The whole environment of a process of this sandbox with these variables of its own. */
  environment(own: Readonly<Record<string, string>>): Record<string, string>;
}

/**
 * What a cell brings into an interpreter that keeps its environment: what it does not carry itself is cleared or put back, not left
 * from the one before. Who sends telemetry, what instruments the programs that cells start, and where the way out is, is told to an interpreter
 * once, so that a cell can change it for those behind it.
 */
export function cellEnvironment(parts: CellEnvironmentParts): Pick<Cell, "env" | "own" | "base" | "initial"> {
  const { env, own, trace } = parts;
  const base = parts.environment(env);
  const given = { TRACESTATE: "", BAGGAGE: "", ...env, ...own, ...trace };
  const names = Object.keys(own);
  const whole = names.some((name) => INSTRUMENT_VARIABLES.includes(name))
    ? parts.environment({ ...env, ...own })
    : {};
  // What a cell says of these is added to, as for a process of its own.
  for (const name of names) {
    if (INSTRUMENT_VARIABLES.includes(name) && whole[name] !== undefined)
      Object.assign(given, { [name]: whole[name] });
  }
  const isNamed = IDENTITY_VARIABLES.some((name) => name in own);
  const identity = isNamed ? parts.environment({ ...env, ...own }) : {};
  for (const name of IDENTITY_VARIABLES) {
    delete (given as Record<string, string>)[name];
    if (name in identity) Object.assign(given, { [name]: identity[name] });
  }
  return {
    env: given,
    own: isNamed ? [...new Set([...names, ...IDENTITY_VARIABLES])] : names,
    base,
    initial: Object.fromEntries(
      [...IDENTITY_VARIABLES, ...INSTRUMENT_VARIABLES, ...EGRESS_VARIABLES].flatMap((name) =>
        base[name] === undefined ? [] : [[name, base[name]]],
      ),
    ),
  };
}
