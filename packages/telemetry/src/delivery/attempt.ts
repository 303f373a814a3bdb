import type { EventBatch, Exporter, ExportResult } from "./exporter.ts";

/** What came of a try. */
export type Attempted = ExportResult & {
  /** Nobody waits for the exporter any more, which may still be at it. */
  readonly isAbandoned?: boolean;
};

/**
 * One try to send a batch, as a result whatever the exporter does: what it throws, and a promise that does not settle in time, are
 * a `retry`. When the time is over its signal fires and what it comes to later is not heard.
 */
export async function attempt(
  exporter: Exporter,
  batch: EventBatch,
  timeoutMs: number,
  stopping: AbortSignal,
): Promise<Attempted> {
  const controller = new AbortController();
  const { promise: cutShort, resolve: cut } = Promise.withResolvers<Attempted>();
  const stop = (): void => {
    controller.abort();
    cut({ status: "retry", reason: "given up: the exporter is stopping", isAbandoned: true });
  };
  const timer = setTimeout(() => {
    controller.abort();
    cut({ status: "retry", reason: `timed out after ${timeoutMs} ms`, isAbandoned: true });
  }, timeoutMs);
  if (stopping.aborted) stop();
  else stopping.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([exported(exporter, batch, controller.signal), cutShort]);
  } finally {
    clearTimeout(timer);
    stopping.removeEventListener("abort", stop);
  }
}

async function exported(exporter: Exporter, batch: EventBatch, signal: AbortSignal): Promise<ExportResult> {
  try {
    const result = await exporter.export(batch, { signal });
    if (typeof result?.status === "string") return result;
    return { status: "retry", reason: "the exporter returned no result" };
  } catch (error) {
    return { status: "retry", reason: error instanceof Error ? error.message : String(error) };
  }
}
