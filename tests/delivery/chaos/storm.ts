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

  /** Kills the daemon so many times, and sends meanwhile; at the end it runs and `count` events more are acknowledged. */
  async storm(kills: number, count: number, random: Seeded): Promise<void> {
    const before = this.acknowledged.size;
    for (let life = 0; life <= kills; life++) {
      if (!this.#daemon.isRunning) await this.#daemon.start();
      // What one life does not come to is left to the next.
      const share = before + Math.ceil((count * (life + 1)) / (kills + 1));
      const sending = this.#send(share);
      const dying = life < kills ? delay(random.int(LIFE_MS)).then(() => this.#daemon.kill()) : undefined;
      await Promise.all([sending, dying]);
    }
  }

  async #send(upTo: number): Promise<void> {
    while (this.acknowledged.size < upTo) {
      const events = runEvents(++this.#batches, BATCH);
      if (!(await this.#daemon.addEvents(RUN_ID, events))) return;
      for (const event of events) this.acknowledged.add(markOf(event)!);
    }
  }
}
