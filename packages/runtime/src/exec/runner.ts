import type { AgentConnection } from "../agent/connection.ts";
import type { AgentProcess } from "../agent/process.ts";
import { type DriverSandbox, type ExecGroup, ProcessEnded } from "../drivers/driver.ts";

const SIGKILL = 9;

/** A process inside the sandbox, in a cgroup of its own, that waits to be told what to become. */
export interface Runner {
  /** Of its group: unique in its sandbox. */
  name: string;
  process: AgentProcess;
  group: ExecGroup;
}

/**
 * Makes runners, and keeps one ready: moving a process into a cgroup can take the kernel some 20 ms, which no exec should wait for.
 */
export class Runners {
  readonly #agent: AgentConnection;
  readonly #driver: DriverSandbox;
  #spare: Promise<Runner> | undefined;
  #count = 0;

  constructor(agent: AgentConnection, driver: DriverSandbox) {
    this.#agent = agent;
    this.#driver = driver;
  }

  /** Makes the spare one, if there is none. */
  prepare(): void {
    if (this.#spare !== undefined) return;
    const spare = this.#make();
    spare.catch(() => {
      if (this.#spare === spare) this.#spare = undefined; // whoever needs one next sees the error of its own
    });
    this.#spare = spare;
  }

  async ready(): Promise<void> {
    this.prepare();
    await this.#spare;
  }

  async take(): Promise<Runner> {
    const spare = this.#spare;
    this.#spare = undefined;
    // Code inside may end any process it sees, the waiting one too; an error of the spare's is none of this exec's.
    const runner = await spare?.catch(() => undefined);
    return runner === undefined || runner.process.isOver ? this.#make() : runner;
  }

  async #make(): Promise<Runner> {
    const oomKills = this.#driver.usage().oomKills;
    const process = await this.#agent.fork();
    try {
      const name = `x${++this.#count}`;
      const group = await this.#driver.attach(name, process);
      return { name, process, group };
    } catch (error) {
      process.signal(SIGKILL);
      if (!(error instanceof ProcessEnded)) throw error;
      throw new RunnerKilled(this.#driver.usage().oomKills - oomKills);
    }
  }
}

/** Code inside, or the kernel in want of memory, ended the process before it could become anything: no failure of the host's. */
export class RunnerKilled extends Error {
  /** Processes of the sandbox that the kernel ended meanwhile. */
  readonly oomKills: number;

  constructor(oomKills: number) {
    super("the process that was to run it was ended from inside the sandbox");
    this.name = "RunnerKilled";
    this.oomKills = oomKills;
  }
}
