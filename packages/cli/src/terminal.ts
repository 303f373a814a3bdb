import pc from "picocolors";
import { Exit } from "./exit-codes.ts";

/** The part of `process` that a terminal needs. */
type Process = Pick<NodeJS.Process, "stdout" | "stderr" | "stdin" | "env" | "on" | "off">;
type Output = NodeJS.Process["stdout"] | NodeJS.Process["stderr"];

export type Colors = ReturnType<typeof pc.createColors>;

/**
 * Where a command reads and writes. Colours per stream, only where it is a terminal and NO_COLOR is not set (FORCE_COLOR
 * insists). A reader that went away (`sandglass tail | head`) ends the command quietly.
 */
export class Terminal {
  readonly env: NodeJS.Process["env"];
  readonly stdin: NodeJS.Process["stdin"];
  /** For a command that speaks a protocol there; all others {@link print}. */
  readonly stdout: NodeJS.Process["stdout"];
  readonly colors: Colors;
  /** For what goes to stderr. */
  readonly errorColors: Colors;
  /** Something that moves may be drawn on stderr. */
  readonly isAnimated: boolean;
  readonly #process: Process;
  readonly #interruption = new AbortController();
  readonly #gone = new Set<Output>();
  #isListening = false;

  constructor(process: Process) {
    this.#process = process;
    this.env = process.env;
    this.stdin = process.stdin;
    this.stdout = process.stdout;
    this.colors = pc.createColors(hasColor(process.stdout, process.env));
    this.errorColors = pc.createColors(hasColor(process.stderr, process.env));
    this.isAnimated = process.stderr.isTTY === true && process.env.TERM !== "dumb" && !process.env.CI;
    for (const stream of [process.stdout, process.stderr]) {
      stream.on("error", (error: NodeJS.ErrnoException) => this.#onWriteError(stream, error));
    }
  }

  /** Columns of stdout; 0 where it is no terminal: then nothing is shortened. */
  get columns(): number {
    return this.#process.stdout.isTTY ? this.#process.stdout.columns : 0;
  }

  /** Lines of stdout; 0 where it is no terminal. */
  get rows(): number {
    return this.#process.stdout.isTTY ? this.#process.stdout.rows : 0;
  }

  /**
   * Aborted by Ctrl-C, SIGTERM, or when nobody reads the output any more; the reason is an {@link Exit}. From the first
   * use on the command is trusted to end itself; a second signal ends it at once.
   */
  get interruption(): AbortSignal {
    if (!this.#isListening) {
      this.#isListening = true;
      this.#process.on("SIGINT", this.#onSignal);
      this.#process.on("SIGTERM", this.#onSignal);
    }
    return this.#interruption.signal;
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.#process.off("SIGINT", this.#onSignal);
    this.#process.off("SIGTERM", this.#onSignal);
    // Without a listener the next signal does what it always does.
    this.#interruption.abort(new Exit(signal === "SIGINT" ? 130 : 143));
  };

  /** A line on stdout. */
  print(line: string): Promise<void> {
    return this.write(`${line}\n`);
  }

  /** Text or bytes on stdout as they are; waits while the reader is slow. */
  write(data: string | Uint8Array): Promise<void> {
    return this.#write(this.#process.stdout, data);
  }

  /** A line on stderr. */
  note(line: string): Promise<void> {
    return this.writeError(`${line}\n`);
  }

  /** Text or bytes on stderr as they are. */
  writeError(data: string | Uint8Array): Promise<void> {
    return this.#write(this.#process.stderr, data);
  }

  /** Resolves when what was written has been taken, or nobody takes it any more, or waits for it. */
  async drained(): Promise<void> {
    if (this.#interruption.signal.aborted) return;
    await Promise.all([this.#drained(this.#process.stdout), this.#drained(this.#process.stderr)]);
  }

  async #drained(stream: Output): Promise<void> {
    if (this.#gone.has(stream) || stream.writableLength === 0) return;
    await new Promise<void>((resolve) => {
      // Called back when all before it has been handed to the system, and with an error where that is impossible.
      stream.write("", () => resolve());
      this.#interruption.signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  async #write(stream: Output, data: string | Uint8Array): Promise<void> {
    if (this.#gone.has(stream) || stream.write(data) || this.#gone.has(stream)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stream.off("drain", done).off("close", done).off("error", done);
        resolve();
      };
      stream.on("drain", done).on("close", done).on("error", done);
    });
  }

  #onWriteError(stream: Output, error: NodeJS.ErrnoException): void {
    this.#gone.add(stream);
    // Reading no further is the reader's good right; anything else (a full disk) is a failure.
    this.#interruption.abort(new Exit(error.code === "EPIPE" ? 0 : 1));
  }
}

function hasColor(stream: Output, env: NodeJS.Process["env"]): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== "0";
  return stream.isTTY === true && env.TERM !== "dumb";
}
