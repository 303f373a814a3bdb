import type { PreparedExporter } from "../exporters/definition.ts";
import type { Checkpoint, Exporter } from "./exporter.ts";

/** Opening waits for no network; what takes longer than this hangs. */
const OPEN_MS = 30_000;

export interface OpenParts {
  prepared: PreparedExporter;
  checkpoint: Checkpoint | undefined;
  stopping: AbortSignal;
  /** What is left of an opening when `stopping` fires, in milliseconds. */
  graceMs(): number;
  /** Gives back one that came when nobody waited for it any more. Never rejects. */
  close(exporter: Exporter): Promise<void>;
}

/**
 * Opens an exporter, and gives up on one that hangs: at the end soon, so that it holds up nothing else; else after 30 s, to be tried
 * again. One that has something for itself, such as a file, is not opened a second time while the first may still come.
 */
export async function openExporter(parts: OpenParts): Promise<Exporter> {
  const { prepared, checkpoint, stopping, graceMs, close } = parts;
  const { promise: late, reject } = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const giveUpIn = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => reject(new Error("opening it does not come to an end")), ms);
  };
  const stop = (): void => giveUpIn(graceMs());
  if ((prepared.claims ?? []).length === 0) giveUpIn(OPEN_MS);
  if (stopping.aborted) stop();
  else stopping.addEventListener("abort", stop, { once: true });
  let isLate = false;
  const opening = Promise.resolve().then(() => prepared.open({ checkpoint }));
  opening.then(
    (exporter) => (isLate ? close(exporter) : undefined),
    () => undefined,
  );
  try {
    return await Promise.race([opening, late]);
  } catch (error) {
    isLate = true;
    throw error;
  } finally {
    clearTimeout(timer);
    stopping.removeEventListener("abort", stop);
  }
}
