import { setTimeout as delay } from "node:timers/promises";
import { describeBroken } from "@sandglass/testkit";
import type { DoomedDaemon } from "./doomed-daemon.ts";

const EVERY_MS = 50;

/** Asks the daemon, whenever there is one, for the accounts of its exporters, and keeps what did not add up. */
export class ExporterWatch {
  samples = 0;
  readonly broken: string[] = [];
  readonly #daemon: DoomedDaemon;
  readonly #running: Promise<void>;
  /** By exporter: what it accepted when it was last asked. */
  readonly #accepted = new Map<string, number>();
  #isStopping = false;

  constructor(daemon: DoomedDaemon) {
    this.#daemon = daemon;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      await this.#look();
      await delay(EVERY_MS);
    }
  }

  async #look(): Promise<void> {
    for (const { id, counts } of (await this.#daemon.exporters()) ?? []) {
      this.samples += 1;
      const wrong = describeBroken(counts);
      if (wrong !== undefined) this.broken.push(`${id}: ${wrong}`);
      const before = this.#accepted.get(id) ?? 0;
      if (counts.accepted < before) this.broken.push(`${id}: accepted ${counts.accepted}, ${before} before`);
      this.#accepted.set(id, counts.accepted);
    }
  }
}
