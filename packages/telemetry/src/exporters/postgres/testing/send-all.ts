import { setTimeout as delay } from "node:timers/promises";
import type { EventBatch, Exporter } from "../../../delivery/exporter.ts";

const ATTEMPT_MS = 3000;
const PAUSE_MS = 20;

export interface Delivery {
  /** Batches that the exporter said are there. */
  readonly delivered: number;
  /** Attempts that it asked to repeat. */
  readonly retries: number;
  /** Resolves when all are delivered; rejects for one that was refused. */
  readonly done: Promise<void>;
}

/** Sends batches, two at a time, each until it is there: what delivery does, without its patience. */
export function sendAll(exporter: Exporter, batches: readonly EventBatch[]): Delivery {
  const rest = [...batches];
  const delivery = { delivered: 0, retries: 0, done: Promise.resolve() };
  const work = async () => {
    for (let batch = rest.shift(); batch !== undefined; batch = rest.shift()) {
      for (;;) {
        const result = await exporter.export(batch, { signal: AbortSignal.timeout(ATTEMPT_MS) });
        if (result.status === "ok") break;
        if (result.status !== "retry") throw new Error(`${result.status}: ${result.reason}`);
        delivery.retries++;
        await delay(PAUSE_MS);
      }
      delivery.delivered++;
    }
  };
  delivery.done = Promise.all([work(), work()]).then(() => {});
  return delivery;
}
