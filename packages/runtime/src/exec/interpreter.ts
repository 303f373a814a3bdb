import type { Language } from "@sandglass/protocol";
import type { AgentConnection } from "../agent/connection.ts";
import { Channel, StartFlag } from "../agent/frames.ts";
import type { AgentProcess, ProcessExit } from "../agent/process.ts";
import type { ExecCgroup } from "../host/cgroups.ts";
import { OUTPUT_CREDIT_BYTES } from "./command.ts";
import type { Runner } from "./runner.ts";

const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

const PROGRAMS: Record<Language, readonly string[]> = {
  // -I would hide PYTHON* variables of the template, -u makes what a cell prints visible at once.
  python: ["python3", "-u", "-X", "utf8", "/run/sandglass/repl.py"],
  javascript: ["node", "/run/sandglass/repl.cjs"],
  bash: ["bash", "--norc", "--noprofile", "/run/sandglass/repl.bash"],
};

export interface CellRequest {
  id: string;
  code: string;
  /** Set in the interpreter's own environment before the cell runs. */
  env: Record<string, string>;
}

export interface CellAnswer {
  exitCode: number;
  result: Record<string, string> | undefined;
}

export interface InterpreterEvents {
  onOutput(stream: "stdout" | "stderr", bytes: Buffer): void;
}

/** One interpreter process that runs cells. What it answers is parsed as hostile: it is the cell's own code that may be speaking. */
export class Interpreter {
  readonly process: AgentProcess;
  readonly group: ExecCgroup;
  readonly language: Language;
  readonly ended: Promise<ProcessExit | undefined>;
  events: InterpreterEvents | undefined;
  #answer: ((answer: CellAnswer) => void) | undefined;
  #current = "";
  #ready: () => void = () => {};
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isOver = false;

  private constructor(language: Language, { process, group }: Runner) {
    this.language = language;
    this.process = process;
    this.group = group;
    this.ended = new Promise((resolve) => {
      const end = (exit: ProcessExit | undefined): void => {
        this.#isOver = true;
        resolve(exit);
      };
      process.events = {
        onOutput: (channel, bytes) => {
          if (channel === Channel.controlOut) this.#onControl(bytes);
          else if (this.events === undefined)
            process.grant(bytes.length); // between cells nobody listens
          else this.events.onOutput(channel === Channel.stdout ? "stdout" : "stderr", bytes);
        },
        onExit: end,
        onLost: () => end(undefined),
      };
    });
  }

  /** Resolves when it takes cells. Rejects with StartError where there is no such interpreter, with Error where it ends at once. */
  static async start(
    language: Language,
    runner: Runner,
    agent: AgentConnection,
    options: { env: Record<string, string>; maxOpenFiles: number },
  ): Promise<Interpreter> {
    const interpreter = new Interpreter(language, runner);
    const ready = new Promise<void>((resolve) => {
      interpreter.#ready = resolve;
    });
    runner.process.grant(OUTPUT_CREDIT_BYTES);
    let greeting = "";
    interpreter.events = {
      onOutput: (_stream, bytes) => {
        greeting = (greeting + bytes.toString("utf8")).slice(-2000);
        runner.process.grant(bytes.length);
      },
    };
    await agent.start(runner.process, {
      argv: PROGRAMS[language],
      env: options.env,
      cwd: "/workspace",
      flags: StartFlag.control,
      maxOpenFiles: options.maxOpenFiles,
    });
    const exit = await Promise.race([ready.then(() => "ready" as const), interpreter.ended]);
    interpreter.events = undefined;
    if (exit !== "ready")
      throw new Error(
        `the ${language} interpreter ended while starting: ${greeting.trim() || `exit code ${exit?.code ?? "unknown"}`}`,
      );
    return interpreter;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends one cell; resolves with its answer, or with undefined where the interpreter ends first. */
  async run(request: CellRequest): Promise<CellAnswer | undefined> {
    const answered = new Promise<CellAnswer>((resolve) => {
      this.#answer = resolve;
      this.#current = request.id;
    });
    const written = this.process.write(Channel.controlIn, this.#encode(request));
    const answer = await Promise.race([answered, this.ended.then(() => undefined)]);
    await written;
    this.#answer = undefined;
    return answer;
  }

  #encode({ id, code, env }: CellRequest): Buffer {
    if (this.language === "bash") {
      const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
      return Buffer.from(`${[id, String(pairs.length), ...pairs, code].join("\0")}\0`);
    }
    // Two characters that end a line for some readers, though not for JSON.
    return Buffer.from(
      `${JSON.stringify({ id, code, env }).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029")}\n`,
    );
  }

  #onControl(bytes: Buffer): void {
    const end = bytes.indexOf(10);
    if (end === -1) {
      this.#held.push(bytes);
      this.#heldBytes += bytes.length;
      if (this.#heldBytes > MAX_ANSWER_BYTES) this.group.kill(); // no answer of ours is that long
      return;
    }
    const line = Buffer.concat([...this.#held, bytes.subarray(0, end)]).toString("utf8");
    this.#held = [];
    this.#heldBytes = 0;
    this.#onLine(line);
    if (end + 1 < bytes.length) this.#onControl(bytes.subarray(end + 1));
  }

  #onLine(line: string): void {
    const message = parseMessage(line);
    if (message === undefined) return; // code that writes to our descriptor hurts only its own cell
    if (message.isReady) this.#ready();
    else if (message.id === this.#current)
      this.#answer?.({ exitCode: message.exitCode, result: message.result });
  }
}

interface Message {
  isReady: boolean;
  id: string;
  exitCode: number;
  result: Record<string, string> | undefined;
}

function parseMessage(line: string): Message | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { ready, id, exitCode, result } = value as Record<string, unknown>;
  if (ready === true) return { isReady: true, id: "", exitCode: 0, result: undefined };
  if (typeof id !== "string" || !Number.isInteger(exitCode)) return undefined;
  const isResult =
    typeof result === "object" &&
    result !== null &&
    Object.values(result).every((part) => typeof part === "string");
  return {
    isReady: false,
    id,
    exitCode: (exitCode as number) & 0xff,
    result: isResult ? (result as Record<string, string>) : undefined,
  };
}
