import { openHttp, type TestDaemon } from "@sandglass/testkit";
import { isBrokenBy } from "./client.ts";
import type { Told } from "./told.ts";

/** A reader of `/v1/events` that goes on where it was, over all lives of a daemon, and keeps what it was shown. */
export class Follower {
  readonly #told: Told;
  #cursor: string | undefined;

  constructor(told: Told) {
    this.#told = told;
  }

  /**
   * Resolves when `stop` is aborted or the connection breaks.
   *
   * @param isDoomed as `FireClient.run` has it
   */
  async follow(daemon: TestDaemon, stop: AbortSignal, isDoomed: () => boolean): Promise<void> {
    const after = this.#cursor === undefined ? "" : `&after=${encodeURIComponent(this.#cursor)}`;
    try {
      const response = await openHttp(daemon, `GET /v1/events?follow=true${after}`);
      stop.addEventListener("abort", () => response.destroy());
      let rest = "";
      for await (const chunk of response.setEncoding("utf8")) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) this.#take(line);
      }
      if (!stop.aborted && !isDoomed())
        this.#told.surprises.push(`the follower's answer ended: ${response.statusCode} ${rest}`);
    } catch (error) {
      if (!stop.aborted && !(isDoomed() && isBrokenBy(error))) throw error;
    }
  }

  #take(line: string): void {
    const { id, cursor } = JSON.parse(line) as { id?: string; cursor?: string };
    if (id === undefined || cursor === undefined) {
      this.#told.surprises.push(`a follower was shown ${line}`);
      return;
    }
    this.#cursor = cursor;
    this.#told.shown.push(id);
  }
}
