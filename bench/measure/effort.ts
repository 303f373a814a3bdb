/** What some work took. */
export interface Effort {
  ms: number;
  /** User and system, of all threads of this process. */
  cpuMs: number;
}

/** Wall time and processor time of `work`. */
export async function effortOf(work: () => Promise<unknown>): Promise<Effort> {
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  await work();
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { ms, cpuMs: (user + system) / 1000 };
}
