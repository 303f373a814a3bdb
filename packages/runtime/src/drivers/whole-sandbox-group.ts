import type { GroupUsage } from "../host/cgroup-counts.ts";
import type { SandboxUsage } from "../host/sandbox-counts.ts";
import type { ExecGroup, PlacedProcess } from "./driver.ts";

const SIGKILL = 9;

/**
 * An exec where the sandbox has a kernel of its own: its processes are none of the host's, and no control group can hold them apart.
 * What is counted is the whole sandbox since the exec began, so beside others it is too much and never too little. What is
 * killed is the process and its group; a process that left the group lives as long as the sandbox.
 */
export class WholeSandboxGroup implements ExecGroup {
  /** It is the whole sandbox. */
  readonly hadOthers = true;
  readonly #read: () => SandboxUsage;
  readonly #process: PlacedProcess;
  #first: SandboxUsage;
  #last: GroupUsage = { cpuMs: 0, oomKills: 0, memoryPeakBytes: 0 };

  constructor(read: () => SandboxUsage, placed: PlacedProcess) {
    this.#read = read;
    this.#process = placed;
    this.#first = read();
  }

  begin(): void {
    this.#first = this.#read();
    this.#last = { cpuMs: 0, oomKills: 0, memoryPeakBytes: this.#first.memoryBytes };
  }

  beginNext(): void {
    this.begin();
  }

  usage(): GroupUsage {
    const { cpuMs, oomKills, memoryBytes } = this.#read();
    this.#last = {
      cpuMs: cpuMs - this.#first.cpuMs,
      oomKills: oomKills - this.#first.oomKills,
      memoryPeakBytes: Math.max(this.#last.memoryPeakBytes, memoryBytes),
    };
    return this.#last;
  }

  kill(): void {
    this.#process.signal(SIGKILL);
  }

  tryRemove(): void {} // there is nothing of it on the host
}
