import type { Answered, TraceAnswers, TraceQuestion } from "./trace-messages.ts";

/** A trace that is held by a worker. */
export class TraceReader implements Disposable {
  readonly #worker = new Worker(new URL("./trace-worker.ts", import.meta.url), { type: "module" });
  readonly #waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  #nextId = 0;

  constructor() {
    this.#worker.addEventListener("message", ({ data }: MessageEvent<Answered>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("error" in data) waiting?.reject(new Error(data.error));
      else waiting?.resolve(data.value as never);
    });
    this.#worker.addEventListener("error", (event) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(event.message));
      this.#waiting.clear();
    });
  }

  /** @throws Error where the worker could not do it */
  ask<K extends TraceQuestion["kind"]>(
    question: Extract<TraceQuestion, { kind: K }>,
  ): Promise<TraceAnswers[K]> {
    const id = this.#nextId++;
    return new Promise<TraceAnswers[K]>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...question, id }, "json" in question ? [question.json] : []);
    });
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
