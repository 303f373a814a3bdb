import { setTimeout as delay } from "node:timers/promises";
import type { IngestCommand, IngestReport } from "../messages.ts";
import type { EraseRequest, EraseResult } from "./erase-request.ts";

type Asked = Extract<IngestCommand, { kind: "erase" }>;

/** How often it is looked whether the store has read far enough. */
const LOOK_EVERY_MS = 20;

/** Erasures that the thread of the store was asked for, done one after the other whenever it has a database open. */
export class Erasures {
  readonly #report: (message: IngestReport) => void;
  readonly #asked: Asked[] = [];
  #wake: (() => void) | undefined;

  constructor(report: (message: IngestReport) => void) {
    this.#report = report;
  }

  ask(command: Asked): void {
    this.#asked.push(command);
    this.#wake?.();
  }

  /** Until `ended`. Never rejects: each is told how it went. */
  async perform(
    erase: (request: EraseRequest) => Promise<EraseResult>,
    isDue: (request: EraseRequest) => boolean,
    ended: AbortSignal,
  ): Promise<void> {
    while (!ended.aborted) {
      const next = this.#asked[0];
      if (next === undefined) {
        await this.#more(ended);
        continue;
      }
      if (!isDue(next.request)) {
        await delay(LOOK_EVERY_MS);
        continue;
      }
      this.#asked.shift();
      const { call, request } = next;
      try {
        this.#report({ kind: "erased", call, result: await erase(request) });
      } catch (error) {
        this.#report({ kind: "erased", call, error: (error as Error).message });
      }
    }
  }

  #more(ended: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wake = undefined;
        ended.removeEventListener("abort", wake);
        resolve();
      };
      this.#wake = wake;
      ended.addEventListener("abort", wake, { once: true });
    });
  }
}
