import { setTimeout as delay } from "node:timers/promises";

const GIVE_UP_MS = 20_000;
const LOOK_EVERY_MS = 5;

/**
 * Waits for a condition that announces itself in no other way, and returns what it found.
 *
 * @param what in words, for the error
 * @param giveUpMs default 20 s
 * @throws Error when that has passed
 * @example const pid = await until("the process is there", () => findPid())
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  giveUpMs: number = GIVE_UP_MS,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + giveUpMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false)
      return found as NonNullable<Exclude<T, false>>;
    if (performance.now() > deadline) throw new Error(`waited ${giveUpMs / 1000} s in vain until ${what}`);
    await delay(LOOK_EVERY_MS);
  }
}
