import type { Worker } from "node:worker_threads";
import { SandglassError } from "@sandglass/protocol";
import type { IngestCommand, IngestReport } from "../messages.ts";
import type { EraseRequest, EraseResult } from "./erase-request.ts";

/** How long a store that does not answer is waited for: writing a large file anew takes a while. */
const GIVE_UP_MS = 120_000;

interface Asked extends PromiseWithResolvers<EraseResult> {
  request: EraseRequest;
  timer: NodeJS.Timeout;
}

/** Erasures that the store's thread was asked for and has not answered. One that ended is followed by another, which is asked again. */
export class AskedErasures {
  readonly #calls = new Map<number, Asked>();
  #thread: Worker | undefined;
  #lastCall = 0;

  /** Rejects with STORE_UNAVAILABLE. */
  send(request: EraseRequest): Promise<EraseResult> {
    const call = ++this.#lastCall;
    const timer = setTimeout(() => this.#fail(call, "the store did not answer in time"), GIVE_UP_MS).unref();
    const asked = { ...Promise.withResolvers<EraseResult>(), request, timer };
    this.#calls.set(call, asked);
    this.#post(call, request);
    return asked.promise;
  }

  /** Who answers from now on; nobody, until there is another. */
  serve(thread: Worker | undefined): void {
    this.#thread = thread;
    for (const [call, { request }] of this.#calls) this.#post(call, request);
  }

  hear({ call, result, error }: Extract<IngestReport, { kind: "erased" }>): void {
    if (result === undefined) return this.#fail(call, `the store: ${error}`);
    const asked = this.#calls.get(call);
    this.#calls.delete(call);
    clearTimeout(asked?.timer);
    asked?.resolve(result);
  }

  close(): void {
    for (const call of [...this.#calls.keys()]) this.#fail(call, "the store is closed");
  }

  #post(call: number, request: EraseRequest): void {
    this.#thread?.postMessage({ kind: "erase", call, request } satisfies IngestCommand);
  }

  #fail(call: number, message: string): void {
    const asked = this.#calls.get(call);
    this.#calls.delete(call);
    clearTimeout(asked?.timer);
    const hint = "it is noted, and done when the store works again";
    asked?.reject(new SandglassError("STORE_UNAVAILABLE", message, { hint }));
  }
}
