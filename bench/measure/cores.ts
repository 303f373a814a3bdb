import { readFileSync } from "node:fs";

/** Processors for a comparison "on one core"; undefined where there are not two, and nothing is pinned. */
export interface Cores {
  /** For the candidate, all of its threads. */
  subject: number | undefined;
  /** For what it talks to. */
  other: number | undefined;
}

/** The last and the first processor that this process may use. */
export function twoCores(): Cores {
  const list = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  const cores = list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  return cores.length < 2
    ? { subject: undefined, other: undefined }
    : { subject: cores.at(-1), other: cores[0] };
}
