import type { ExecRequest, StreamEvent } from "@sandglass/protocol";
import { collectExec, type ExecHandlers, type ExecResult, streamExec } from "./exec.ts";
import type { StreamSource } from "./exec-stream.ts";

export interface CommandOptions extends ExecHandlers {
  /** Default `/workspace`. */
  cwd?: string;
  /** Added to the sandbox's. */
  env?: Record<string, string>;
  /** Text for the process's stdin, which is then closed. */
  stdin?: string;
  /** Milliseconds until it is killed with cause `timed_out`. Default: the daemon's. */
  timeoutMs?: number;
  /** Aborting kills the command and rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Plain processes in one sandbox. They run concurrently; REPL cells are `sandbox.runCode`. */
export class Commands {
  readonly #source: StreamSource;

  constructor(source: StreamSource) {
    this.#source = source;
  }

  /**
   * Runs a shell line (a string) or a program with its arguments (a list, no shell), and waits for its end. An exit code other
   * than 0 is a result, not an error.
   *
   * @example await sandbox.commands.run(["python3", "train.py", "--fast"], { timeoutMs: 60_000 })
   */
  run(command: string | readonly string[], options: CommandOptions = {}): Promise<ExecResult> {
    return collectExec({ ...this.#source, signal: options.signal }, requestOf(command, options), options);
  }

  /** As {@link run}, yielding each line as it comes; the last is `exit`. Starts with the loop; leaving it early lets the command run on. */
  stream(
    command: string | readonly string[],
    options: CommandOptions = {},
  ): AsyncGenerator<StreamEvent, void, undefined> {
    return streamExec({ ...this.#source, signal: options.signal }, requestOf(command, options), options);
  }
}

function requestOf(command: string | readonly string[], options: CommandOptions): ExecRequest {
  const { cwd, env, stdin, timeoutMs } = options;
  return {
    ...(typeof command === "string" ? { command } : { argv: [...command] }),
    ...(cwd !== undefined && { cwd }),
    ...(env !== undefined && { env }),
    ...(stdin !== undefined && { stdin }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}
