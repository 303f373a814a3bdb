import type { CollectorReport, DaemonAnswer, OwnedDerivedEvent } from "./messages.ts";

/** What only the daemon knows or can do, asked from the collector's process. */
export class DaemonLine {
  readonly post: (report: CollectorReport) => void;
  readonly #waiting = new Map<number, (answer: DaemonAnswer | undefined) => void>();
  #last = 0;
  #isClosed = false;

  constructor(post: (report: CollectorReport) => void) {
    this.post = post;
  }

  /** The organisation that a key belongs to; undefined where it is none of the daemon's. */
  async authorize(authorization: string): Promise<string | undefined> {
    const answer = await this.#ask((call) => ({ kind: "authorize", call, authorization }));
    return answer?.kind === "authorized" ? answer.orgId : undefined;
  }

  /** Resolves when the events are in the record. Rejects where they could not be put there. */
  async record(events: OwnedDerivedEvent[]): Promise<void> {
    const answer = await this.#ask((call) => ({ kind: "derived", call, events }));
    if (answer?.kind !== "recorded") throw new Error("the daemon is gone");
    if (answer.error !== undefined) throw new Error(answer.error);
  }

  hear(answer: Exclude<DaemonAnswer, { kind: "ping" | "keysChanged" }>): void {
    const { call } = answer;
    this.#waiting.get(call)?.(answer);
    this.#waiting.delete(call);
  }

  /** Nobody answers any more. */
  close(): void {
    this.#isClosed = true;
    for (const resolve of this.#waiting.values()) resolve(undefined);
    this.#waiting.clear();
  }

  #ask(report: (call: number) => CollectorReport): Promise<DaemonAnswer | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined);
    const call = ++this.#last;
    return new Promise((resolve) => {
      this.#waiting.set(call, resolve);
      this.post(report(call));
    });
  }
}
