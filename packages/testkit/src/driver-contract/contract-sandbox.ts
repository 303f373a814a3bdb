import { newSandboxId, type SandboxLimits } from "@sandglass/protocol";
import { DEFAULT_LIMITS } from "@sandglass/runtime";
import {
  AgentConnection,
  type AgentProcess,
  Channel,
  type DriverSandbox,
  type ExecGroup,
  type ProcessExit,
  type SandboxDriver,
} from "@sandglass/runtime/drivers";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A driver and where it keeps what it has. */
export interface DriverUnderTest {
  driver: SandboxDriver;
  /** The driver's own; removed when the suite has ended. */
  dataDir: string;
}

export interface ProcessRun extends ProcessExit {
  stdout: string;
  stderr: string;
}

/** A process of a contract sandbox, in a group of its own. */
export class ContractProcess {
  readonly agentProcess: AgentProcess;
  readonly group: ExecGroup;
  readonly ended: Promise<ProcessRun>;
  stdout = "";
  stderr = "";

  constructor(process: AgentProcess, group: ExecGroup) {
    this.agentProcess = process;
    this.group = group;
    this.ended = new Promise((resolve, reject) => {
      process.events = {
        onOutput: (channel, bytes) => {
          if (channel === Channel.stdout) this.stdout += bytes.toString("utf8");
          else this.stderr += bytes.toString("utf8");
          process.grant(bytes.length);
        },
        onExit: (exit) => resolve({ ...exit, stdout: this.stdout, stderr: this.stderr }),
        onLost: () => reject(new Error("the sandbox went away")),
      };
    });
    this.ended.catch(() => {}); // whoever awaits it sees it; a test that ends the sandbox on purpose does not
  }
}

/** A sandbox as a driver makes it, with just enough of a runtime around it to run programs. */
export class ContractSandbox {
  readonly id: string;
  readonly driver: DriverSandbox;
  readonly agent: AgentConnection;
  #count = 0;

  private constructor(id: string, driver: DriverSandbox, agent: AgentConnection) {
    this.id = id;
    this.driver = driver;
    this.agent = agent;
  }

  static async create(
    driver: SandboxDriver,
    limits: Partial<SandboxLimits> = {},
    mounts: readonly { source: string; target: string }[] = [],
  ): Promise<ContractSandbox> {
    const id = newSandboxId();
    const sandbox = await driver.create({
      id,
      limits: { ...DEFAULT_LIMITS, diskMb: 32, ...limits },
      mounts,
    });
    return ContractSandbox.around(id, sandbox);
  }

  /** One that a driver has just made. */
  static async around(id: string, sandbox: DriverSandbox): Promise<ContractSandbox> {
    const agent = new AgentConnection(sandbox.socket);
    try {
      await agent.ready();
    } catch (error) {
      await sandbox.kill();
      await sandbox.release();
      throw error;
    }
    return new ContractSandbox(id, sandbox, agent);
  }

  /** Starts a program. Its environment is PATH and what is given, nothing else. */
  async start(
    argv: readonly string[],
    options: { env?: Record<string, string>; maxOpenFiles?: number } = {},
  ): Promise<ContractProcess> {
    const waiting = await this.agent.fork();
    const process = new ContractProcess(waiting, await this.driver.attach(`t${++this.#count}`, waiting));
    waiting.grant(1024 * 1024);
    await this.agent.start(waiting, {
      argv,
      env: { PATH, ...options.env },
      cwd: "/workspace",
      flags: 0,
      maxOpenFiles: options.maxOpenFiles ?? 1024,
    });
    return process;
  }

  async run(argv: readonly string[]): Promise<ProcessRun> {
    return (await this.start(argv)).ended;
  }

  /** Runs a shell line; throws where it fails, for then the test asked the wrong thing. */
  async shell(line: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(["/bin/sh", "-c", line]);
    if (code !== 0) throw new Error(`"${line}" ended with ${code}: ${stderr}`);
    return stdout;
  }

  /** Runs a Python program and returns what it prints as JSON. */
  async python<T>(source: string, ...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run(["python3", "-c", source, ...args]);
    if (code !== 0) throw new Error(`the program ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  async end(): Promise<void> {
    await this.driver.kill();
    this.agent.close();
    await this.driver.release();
  }
}
