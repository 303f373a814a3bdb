import type { CollectorReport, CollectorSnapshot } from "./messages.ts";

/** How often the daemon hears how it is going, while anything changes. */
const REPORT_EVERY_MS = 100;

/** Tells the daemon what the collector counts. */
export class SnapshotReports {
  readonly #take: () => Omit<CollectorSnapshot, "cpuMs" | "rssBytes">;
  readonly #post: (report: CollectorReport) => void;
  readonly #timer: NodeJS.Timeout;
  #last = "";

  constructor(
    take: () => Omit<CollectorSnapshot, "cpuMs" | "rssBytes">,
    post: (report: CollectorReport) => void,
  ) {
    this.#take = take;
    this.#post = post;
    this.#timer = setInterval(() => this.now(), REPORT_EVERY_MS);
  }

  now(): void {
    const snapshot = this.#take();
    const text = JSON.stringify(snapshot);
    // What the process itself takes is told along with something: alone it would never come to an end.
    if (text === this.#last) return;
    this.#last = text;
    const { user, system } = process.cpuUsage();
    const cpuMs = (user + system) / 1000;
    this.#post({ kind: "snapshot", snapshot: { ...snapshot, cpuMs, rssBytes: process.memoryUsage.rss() } });
  }

  stop(): void {
    this.now();
    clearInterval(this.#timer);
  }
}
