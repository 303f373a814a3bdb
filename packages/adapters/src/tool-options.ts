import type { Client, CreateSandboxOptions, Language, Run, Sandbox } from "sandglass";

/** The options of every adapter. All may be left out. */
export interface SandboxToolOptions {
  /** Where the code runs. It stays when the tool is closed. Default: one is made at the first call, and ended by `close`. */
  sandbox?: Sandbox | undefined;
  /** What code the model is asked for. Default "python". */
  language?: Language | undefined;
  /** Of the sandbox that is made. Default: the one for `language`. */
  template?: string | undefined;
  /** Further options of the sandbox that is made: limits, `env`, `network`, `record`, …. */
  create?: Omit<CreateSandboxOptions, "template"> | undefined;
  /** Milliseconds until a call is ended with cause `timed_out`, which the model is told. Default 60,000; 0 leaves it to the daemon. */
  timeoutMs?: number | undefined;
  /**
   * How much of stdout, of stderr and of a value the model is shown: characters of each. Of what is longer it gets the beginning and the
   * end. Default 8,000.
   */
  maxOutputChars?: number | undefined;
  /**
   * The agent run that the calls belong to. It stays open when the tool is closed. Default: one is opened for each trace that the tool is
   * called in, and completed by `close`.
   */
  run?: Run | undefined;
  /**
   * Record arguments and results of the calls too, not only their names and times. Default: what `run` was opened with, else false. A
   * `run` that was opened without keeps them out either way.
   */
  captureContent?: boolean | undefined;
  /** Name of the tool. Default "run_code". */
  name?: string | undefined;
  /** What the model is told of the tool. Default: a text that says what the sandbox can do. */
  description?: string | undefined;
  /** Which daemon. Default: the one that the environment names, by a client of the tool's own. Not needed beside `run`. */
  client?: Client | undefined;
}

/** A tool in its framework's own form, and what ends what was made for it. */
export interface SandboxTool<Tool> extends AsyncDisposable {
  readonly tool: Tool;
  /** Ends the sandbox and completes the run, as far as the tool made them itself. Calls fail behind it. Idempotent. */
  close(): Promise<void>;
}

/** What models are asked for, in JSON Schema: the subset that every provider takes, also in strict mode. */
export const CODE_PARAMETERS = {
  type: "object",
  properties: { code: { type: "string", description: "The code to run" } },
  required: ["code"],
  additionalProperties: false,
} as const;

/** What the model is told where it filled in something else. */
export const INVALID_INPUT = 'The arguments have to be {"code": string}.';

/** What a model filled in, which not every framework checks; undefined where it is not as {@link CODE_PARAMETERS} say. */
export function codeOf(input: unknown): string | undefined {
  const { code } = (input ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

const LANGUAGE_NAMES = { python: "Python", javascript: "JavaScript", bash: "bash" } as const;

/** The templates that are for one language. */
export const TEMPLATES = { python: "python", javascript: "node", bash: "bash" } as const;

/** Name and description as the options say. */
export function describeTool({ name = "run_code", description, language = "python" }: SandboxToolOptions): {
  name: string;
  description: string;
} {
  return {
    name,
    description:
      description ??
      `Runs ${LANGUAGE_NAMES[language]} code in an isolated Linux sandbox. Returns what it printed, the value of its last ` +
        "expression and how it ended. Variables and files stay for the next call; the working directory is /workspace.",
  };
}
