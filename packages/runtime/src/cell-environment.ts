import { EGRESS_VARIABLES } from "./egress/egress-environment.ts";
import type { Cell } from "./exec/context.ts";
import { INSTRUMENT_VARIABLES } from "./instrument/instrumented-environment.ts";
import { IDENTITY_VARIABLES } from "./telemetry-environment.ts";

type Variables = Readonly<Record<string, string>>;

/**
 * What a cell brings into an interpreter that keeps its environment: what it does not carry itself is cleared or put back, not left
 * from the one before. Who sends telemetry, what instruments the programs that cells start, and where the way out is, is told to an interpreter
 * once, so that a cell can change it for those behind it.
 */
export class CellEnvironments {
  readonly #env: Variables;
  readonly #environment: (own: Variables) => Record<string, string>;
  /** What all cells have of it, without those that an interpreter is told once. */
  readonly #given: Variables;
  readonly #base: Record<string, string>;
  readonly #initial: Record<string, string>;

  /**
   * @param env given at the sandbox's creation
   * @param environment the whole environment of a process of this sandbox with these variables of its own
   */
  constructor(env: Variables, environment: (own: Variables) => Record<string, string>) {
    this.#env = env;
    this.#environment = environment;
    const told: readonly string[] = IDENTITY_VARIABLES;
    const given = Object.entries(env).filter(([name]) => !told.includes(name));
    this.#given = { TRACESTATE: "", BAGGAGE: "", ...Object.fromEntries(given) };
    this.#base = environment(env);
    const initial = [...IDENTITY_VARIABLES, ...INSTRUMENT_VARIABLES, ...EGRESS_VARIABLES];
    this.#initial = Object.fromEntries(
      initial.flatMap((name) => (this.#base[name] === undefined ? [] : [[name, this.#base[name]]])),
    );
  }

  /**
   * @param own given with this exec
   * @param trace of the exec's span
   */
  of(own: Variables, trace: Variables): Pick<Cell, "env" | "own" | "base" | "initial"> {
    const env: Record<string, string> = { ...this.#given, ...own, ...trace };
    let names = Object.keys(own);
    const isNamed = IDENTITY_VARIABLES.some((name) => name in own);
    if (isNamed || names.some((name) => INSTRUMENT_VARIABLES.includes(name))) {
      // What a cell says of these is added to, as for a process of its own.
      const whole = this.#environment({ ...this.#env, ...own });
      const added = names.filter((name) => INSTRUMENT_VARIABLES.includes(name));
      for (const name of isNamed ? [...added, ...IDENTITY_VARIABLES] : added)
        if (whole[name] !== undefined) env[name] = whole[name];
      if (isNamed) names = [...new Set([...names, ...IDENTITY_VARIABLES])];
    }
    return { env, own: names, base: this.#base, initial: this.#initial };
  }
}
