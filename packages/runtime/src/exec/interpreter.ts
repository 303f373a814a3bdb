import type { Language } from "@sandglass/protocol";
import type { AgentConnection } from "../agent/connection.ts";
import { Channel, StartFlag } from "../agent/frames.ts";
import type { AgentProcess, ProcessExit } from "../agent/process.ts";
import type { ExecGroup } from "../drivers/driver.ts";
import { OUTPUT_CREDIT_BYTES } from "./command.ts";
import { type CellAnswer, ControlChannel } from "./control-channel.ts";
import type { Runner } from "./runner.ts";

const CONTROL_CREDIT_BYTES = 1024 * 1024;
/** An interpreter that does not greet within this time is no interpreter. */
const START_TIMEOUT_MS = 30_000;
const SIGKILL = 9;

const PROGRAMS: Record<Language, readonly string[]> = {
  // -I would hide PYTHON* variables of the template, -u makes what a cell prints visible at once.
  python: ["python3", "-u", "-X", "utf8", "/run/sandglass/repl.py"],
  javascript: ["node", "/run/sandglass/repl.cjs"],
  bash: ["bash", "--norc", "--noprofile", "/run/sandglass/repl.bash"],
};

export interface CellRequest {
  id: string;
  code: string;
  /** Set in the interpreter's own environment before the cell runs; null takes a variable away. */
  env: Record<string, string | null>;
}

export interface InterpreterEvents {
  onOutput(stream: "stdout" | "stderr", bytes: Buffer): void;
}

/** One interpreter process that runs cells. */
export class Interpreter {
  readonly process: AgentProcess;
  readonly group: ExecGroup;
  /** The name of its group. */
  readonly groupName: string;
  readonly language: Language;
  readonly ended: Promise<ProcessExit | undefined>;
  events: InterpreterEvents | undefined;
  readonly #control = new ControlChannel();
  #controlRoom = 0;
  /** It is being ended. Its end comes behind all that it said, so that all of that has to be taken. */
  #isFlooding = false;
  #isOver = false;

  private constructor(language: Language, { name, process, group }: Runner) {
    this.language = language;
    this.process = process;
    this.group = group;
    this.groupName = name;
    this.#control.onFlood = () => {
      this.#isFlooding = true;
      group.kill();
      process.signal(SIGKILL);
    };
    this.ended = new Promise((resolve) => {
      const end = (exit: ProcessExit | undefined): void => {
        this.#isOver = true;
        resolve(exit);
      };
      process.events = {
        onOutput: (channel, bytes) => {
          if (channel === Channel.controlOut) this.#onControl(bytes);
          else if (this.events === undefined)
            process.restore(bytes.length); // between cells nobody listens
          else this.events.onOutput(channel === Channel.stdout ? "stdout" : "stderr", bytes);
        },
        onExit: end,
        onLost: () => end(undefined),
      };
    });
  }

  /** Resolves when it takes cells. Rejects with StartError where there is no such interpreter, with Error where it does not come up. */
  static async start(
    language: Language,
    runner: Runner,
    agent: AgentConnection,
    options: { env: Record<string, string>; maxOpenFiles: number },
  ): Promise<Interpreter> {
    const interpreter = new Interpreter(language, runner);
    const timer = setTimeout(() => {
      runner.group.kill();
      runner.process.signal(SIGKILL);
    }, START_TIMEOUT_MS);
    try {
      const said = await interpreter.#greet(agent, options);
      if (said === undefined) return interpreter;
      throw new Error(`the ${language} interpreter did not come up: ${said}`);
    } catch (error) {
      runner.group.tryRemove();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends one cell; resolves with its answer, or with undefined where the interpreter ends first. */
  async run(request: CellRequest): Promise<CellAnswer | undefined> {
    this.#control.expect(request.id);
    this.#grantControl();
    const answered = new Promise<CellAnswer>((resolve) => {
      this.#control.onAnswer = resolve;
    });
    const written = this.process.write(Channel.controlIn, this.#encode(request));
    const answer = await Promise.race([answered, this.ended.then(() => undefined)]);
    await written;
    return answer;
  }

  /** Undefined at a greeting, else what it said instead. */
  async #greet(
    agent: AgentConnection,
    options: { env: Record<string, string>; maxOpenFiles: number },
  ): Promise<string | undefined> {
    const { process } = this;
    let said = "";
    this.events = {
      onOutput: (_stream, bytes) => {
        said = (said + bytes.toString("utf8")).slice(-2000);
        process.grant(bytes.length);
      },
    };
    const ready = new Promise<"ready">((resolve) => {
      this.#control.onReady = () => resolve("ready");
    });
    this.#control.expect("ready");
    process.grant(OUTPUT_CREDIT_BYTES);
    this.#grantControl();
    const argv = PROGRAMS[this.language];
    await agent.start(process, { ...options, argv, cwd: "/workspace", flags: StartFlag.control });
    const exit = await Promise.race([ready, this.ended]);
    this.events = undefined;
    return exit === "ready" ? undefined : said.trim() || `exit code ${exit?.code ?? "unknown"}`;
  }

  #encode({ id, code, env }: CellRequest): Buffer {
    if (this.language === "bash") {
      const pairs = Object.entries(env).map(([name, value]) => (value === null ? name : `${name}=${value}`));
      return Buffer.from(`${[id, String(pairs.length), ...pairs, code].join("\0")}\0`);
    }
    // Two characters that end a line for some readers, though not for JSON.
    const json = JSON.stringify({ id, code, env });
    return Buffer.from(`${json.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029")}\n`);
  }

  #onControl(bytes: Buffer): void {
    this.#controlRoom -= bytes.length;
    this.#control.push(bytes);
    if (this.#control.isExpecting || this.#isFlooding) this.#grantControl();
  }

  /** While an answer is due it may come; between cells whoever writes there waits. */
  #grantControl(): void {
    if (this.#controlRoom > CONTROL_CREDIT_BYTES / 2) return;
    this.process.grantControl(CONTROL_CREDIT_BYTES - this.#controlRoom);
    this.#controlRoom = CONTROL_CREDIT_BYTES;
  }
}
