import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";

/** Above this, something else is at work and the figures are worse than the machine could do. */
export const QUIET_LOAD = 0.5;

/** What the figures were taken on. */
export interface Machine {
  cores: number;
  processor: string;
  memoryGb: number;
  kernel: string;
  system: string;
  node: string;
  /** Over one minute, before anything was started. */
  loadAverage: number;
}

/** The machine as it is now: ask before starting anything. */
export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cores: processors.length,
    processor: processors[0]?.model.trim() || process.arch,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    system: /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "Linux",
    node: process.version,
    loadAverage: loadavg()[0] ?? 0,
  };
}
