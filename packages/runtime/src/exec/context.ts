import type { ExecException, Language } from "@sandglass/protocol";
import { StartError } from "../agent/connection.ts";
import type { ProcessExit } from "../agent/process.ts";
import type { ExecGroup } from "../drivers/driver.ts";
import type { Ending } from "./ending.ts";
import type { Exec } from "./exec.ts";
import type { Interpreter } from "./interpreter.ts";
import { RunnerKilled } from "./runner.ts";

/** After an interrupt for a deadline, how long a cell has to let go before its interpreter is killed. */
const INTERRUPT_GRACE_MS = 1000;
const SIGINT = 2;
/** How a shell says that SIGKILL ended what it ran. */
const KILLED = 137;
/** In what a cell raises that lacked memory, or whose child was killed. */
const KILL = /MemoryError|SIGKILL/;

export interface ContextHost {
  startInterpreter(language: Language): Promise<Interpreter>;
  isDiskFull(): boolean;
}

export interface Cell {
  exec: Exec;
  code: string;
  env: Record<string, string>;
  /** Names in `env` that are this cell's alone: the next cell finds them as they were. */
  own: readonly string[];
  /** What they were, where they were anything. */
  base: Record<string, string>;
  /** Set once in each interpreter, before its first cell that has this. */
  initial?: Record<string, string>;
  /** Told before it runs which group of processes it runs in. */
  onPlaced?(group: string): void;
}

/**
 * A REPL context: cells queue and run one after the other in one interpreter, which is started at the first cell and again
 * after it was lost. A cell that raises, exits or is interrupted loses nothing; one that takes the interpreter with it is told so,
 * and so is the next.
 */
export class Context {
  readonly id: string;
  readonly language: Language;
  readonly #host: ContextHost;
  #interpreter: Interpreter | undefined;
  #lost: string | undefined;
  /** Names that the last cell brought for itself. */
  #borrowed: readonly string[] = [];
  /** The interpreter that has its cells' `initial`. */
  #told: Interpreter | undefined;
  #tail: Promise<void> = Promise.resolve();

  constructor(id: string, language: Language, host: ContextHost) {
    this.id = id;
    this.language = language;
    this.#host = host;
  }

  /** Starts the interpreter ahead of the first cell. */
  async warm(): Promise<void> {
    this.#interpreter ??= await this.#host.startInterpreter(this.language);
  }

  /** Queues a cell; its ending is the exec's. */
  run(cell: Cell): void {
    this.#tail = this.#tail
      .then(() => this.#runCell(cell))
      .catch((error: Error) => this.#broke(cell.exec, error));
  }

  async #runCell(cell: Cell): Promise<void> {
    const { exec } = cell;
    exec.arm();
    const interpreter = exec.isOver ? undefined : await this.#alive(exec);
    if (interpreter === undefined || exec.isOver) return;
    cell.onPlaced?.(interpreter.groupName);
    interpreter.group.beginNext();
    let grace: NodeJS.Timeout | undefined;
    interpreter.events = { onOutput: (stream, bytes) => exec.output.append(stream, bytes) };
    exec.begin({
      signal: (number) => interpreter.process.signal(number),
      grant: (bytes) => interpreter.process.restore(bytes),
      end: () => {
        // A deadline interrupts first, which keeps the context where the code lets go; everything else is final.
        if (exec.decision?.cause !== "timed_out") return interpreter.group.kill();
        interpreter.process.signal(SIGINT);
        grace ??= setTimeout(() => interpreter.group.kill(), INTERRUPT_GRACE_MS);
      },
    });
    const answer = await interpreter.run({
      id: exec.id,
      code: cell.code,
      env: this.#environment(cell, interpreter),
    });
    clearTimeout(grace);
    interpreter.events = undefined;
    if (answer !== undefined) {
      if (answer.result !== undefined) exec.output.appendResult(answer.result);
      const isInterrupted = exec.decision !== undefined && answer.exitCode === 130;
      return exec.finish({
        code: answer.exitCode,
        signal: isInterrupted ? SIGINT : 0,
        ...used(interpreter.group, answer.exitCode, answer.exception),
        isDiskFull: answer.exitCode !== 0 && this.#host.isDiskFull(),
        exception: answer.exception,
      });
    }
    const exit = await interpreter.ended;
    this.#interpreter = undefined;
    const usage =
      exit === undefined
        ? { cpuMs: 0, maxRssBytes: 0, oomKills: 0 }
        : used(interpreter.group, exit.code, undefined);
    this.#lost = exit === undefined ? undefined : endOf(interpreter, exit);
    await exec.finish({
      code: exit?.code ?? 137,
      signal: exit?.signal ?? 9,
      ...usage,
      isDiskFull: exit !== undefined && exit.code !== 0 && this.#host.isDiskFull(),
      contextLost: true,
      ...(exit === undefined
        ? {}
        : { reason: `${endOf(interpreter, exit)}; the variables of context "${this.id}" are gone` }),
    });
    if (exit !== undefined) interpreter.group.tryRemove();
  }

  /** Without what the cell before had for itself. */
  #environment({ env, own, base, initial }: Cell, interpreter: Interpreter): Record<string, string | null> {
    const first = initial === undefined || this.#told === interpreter ? {} : initial;
    if (initial !== undefined) this.#told = interpreter;
    const given = Object.fromEntries(this.#borrowed.map((name) => [name, base[name] ?? null]));
    this.#borrowed = own;
    return { ...given, ...first, ...env };
  }

  /** The host could not run it. The next cell starts with an interpreter of its own. */
  async #broke(exec: Exec, error: Error): Promise<void> {
    this.#interpreter?.group.kill();
    this.#interpreter = undefined;
    exec.end({ cause: "driver_error", reason: error.message });
    await exec.finish(nothingRan(137, 9));
  }

  /** An interpreter that takes cells; undefined where there is none to be had, and the exec has ended with that. */
  async #alive(exec: Exec): Promise<Interpreter | undefined> {
    if (this.#interpreter?.isOver === true) {
      const exit = await this.#interpreter.ended;
      if (exit !== undefined) this.#lost = `${endOf(this.#interpreter, exit)} between calls`;
      this.#interpreter.group.tryRemove();
      this.#interpreter = undefined;
    }
    try {
      this.#interpreter ??= await this.#host.startInterpreter(this.language);
    } catch (error) {
      if (error instanceof RunnerKilled) {
        await exec.finish({ ...nothingRan(137, 9), oomKills: error.oomKills, reason: error.message });
        return undefined;
      }
      const isMissing = error instanceof StartError && error.errno === "ENOENT";
      const message = isMissing
        ? `this sandbox has no ${this.language} interpreter`
        : (error as Error).message;
      exec.output.append("stderr", Buffer.from(`sandglass: ${message}\n`));
      await exec.finish({ ...nothingRan(isMissing ? 127 : 1, 0), reason: message });
      return undefined;
    }
    if (this.#lost !== undefined) {
      exec.output.append(
        "stderr",
        Buffer.from(`sandglass: context "${this.id}" starts anew, without its variables: ${this.#lost}\n`),
      );
      this.#lost = undefined;
    }
    return this.#interpreter;
  }
}

function endOf(interpreter: Interpreter, exit: ProcessExit): string {
  return `the ${interpreter.language} interpreter ${exit.signal === 0 ? `exited with code ${exit.code}` : `was ended by signal ${exit.signal}`}`;
}

/**
 * What a cell used. Where processes that cells before it left were in its group, the kernel may have killed one of those: it is this
 * cell's end where it ended of such a kill, or raised it.
 */
function used(
  group: ExecGroup,
  code: number,
  exception: ExecException | undefined,
): Pick<Ending, "cpuMs" | "maxRssBytes" | "oomKills" | "reason"> {
  const { cpuMs, oomKills, memoryPeakBytes: maxRssBytes } = group.usage(code !== 0);
  const { type = "", message = "", stacktrace = "" } = exception ?? {};
  const isOwn = !group.hadOthers || code === KILLED || KILL.test(`${type} ${message} ${stacktrace}`);
  if (oomKills === 0 || isOwn) return { cpuMs, maxRssBytes, oomKills };
  const reason = "meanwhile the memory limit ended a process of its context";
  return { cpuMs, maxRssBytes, oomKills: 0, reason };
}

function nothingRan(
  code: number,
  signal: number,
): {
  code: number;
  signal: number;
  cpuMs: number;
  maxRssBytes: number;
  oomKills: number;
  isDiskFull: boolean;
} {
  return { code, signal, cpuMs: 0, maxRssBytes: 0, oomKills: 0, isDiskFull: false };
}
