import { setTimeout as delay } from "node:timers/promises";
import type { Seeded } from "@sandglass/testkit";
import type { DoomedDaemon } from "./doomed-daemon.ts";
import { markOf, runEvents } from "./run-events.ts";

const RUN_ID = "run_chaos";
const BATCH = 500;
/** A life ends at a random moment within this. */
const LIFE_MS = 1_000;

/** A sender that goes on whatever happens to the daemon, and remembers what was acknowledged. */
export class Sender {
  /** Marks of events (see `markOf`). */
  readonly acknowledged = new Set<string>();
  readonly #daemon: DoomedDaemon;
  #batches = 0;

  constructor(daemon: DoomedDaemon) {
    this.#daemon = daemon;
  }

  /** Kills the daemon once, and sends meanwhile; at the end it runs and `count` events more are acknowledged. */
  async outlive(count: number, random: Seeded): Promise<void> {
    const upTo = this.acknowledged.size + count;
    if (!this.#daemon.isRunning) await this.#daemon.start();
    const dying = delay(random.int(LIFE_MS)).then(() => this.#daemon.kill());
    // What this life does not come to is left to the next.
    await Promise.all([this.#send(upTo - Math.floor(count / 2)), dying]);
    await this.#daemon.start();
    await this.#send(upTo);
  }

  async #send(upTo: number): Promise<void> {
    while (this.acknowledged.size < upTo) {
      const events = runEvents(++this.#batches, BATCH);
      if (!(await this.#daemon.addEvents(RUN_ID, events))) return;
      for (const event of events) this.acknowledged.add(markOf(event)!);
    }
  }
}
