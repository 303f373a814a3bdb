import { readFileSync } from "node:fs";

const SAMPLE_EVERY_MS = 25;
/** Of every Linux that Node runs on, whatever the kernel's own tick is. */
const MS_PER_TICK = 10;

/** Watches the memory and processor time of another process. */
export class ProcessUsage implements Disposable {
  readonly #pid: number;
  readonly #startBytes: number;
  readonly #startCpuMs: number;
  readonly #timer: NodeJS.Timeout;
  #peakBytes: number;

  /** @param pid its resident memory at this moment is what growth is counted from */
  constructor(pid: number) {
    this.#pid = pid;
    this.#startBytes = residentBytes(pid);
    this.#startCpuMs = cpuMs(pid);
    this.#peakBytes = this.#startBytes;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_EVERY_MS);
  }

  get startMb(): number {
    return this.#startBytes / 1e6;
  }

  /** From the start to the highest sample. */
  get growthMb(): number {
    this.#sample();
    return (this.#peakBytes - this.#startBytes) / 1e6;
  }

  /** User and system, since the start. */
  get cpuMs(): number {
    return cpuMs(this.#pid) - this.#startCpuMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    this.#peakBytes = Math.max(this.#peakBytes, residentBytes(this.#pid));
  }
}

/** Memory that the process has to itself. */
export function privateBytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kb = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].map(([, size]) => Number(size));
  return kb.reduce((sum, size) => sum + size, 0) * 1024;
}

function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1]) * 1024;
}

/** User and system, of all threads of a process, since it began. */
export function cpuMs(pid: number): number {
  // The program's name, in parentheses, may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}
