import { setTimeout as delay } from "node:timers/promises";

const GIVE_UP_MS = 20_000;
const LOOK_EVERY_MS = 5;

/**
 * Waits for a condition that announces itself in no other way, and returns what it found.
 *
 * @param what in words, for the error
 * @throws Error after 20 s
 * @example const pid = await until("the process is there", () => findPid())
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + GIVE_UP_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false)
      return found as NonNullable<Exclude<T, false>>;
    if (performance.now() > deadline) throw new Error(`waited ${GIVE_UP_MS / 1000} s in vain until ${what}`);
    await delay(LOOK_EVERY_MS);
  }
}
