import { setImmediate as nextTurn } from "node:timers/promises";
import type { SamplingOptions } from "./sampling-options.ts";
import { type Sampled, SandboxSamples, type SaySample } from "./sandbox-samples.ts";

/** How long the event loop is held at most, but for the one sandbox that goes beyond. */
const SLICE_MS = 2;

/**
 * Samples every sandbox from the host: once when it begins, once when it ends, and at an interval between, paused ones too. One
 * timer for all; the counters of each are kept open, and read in slices, so that many sandboxes do not hold up those who call.
 */
export class Sampler {
  readonly #options: SamplingOptions;
  readonly #hasDisk: boolean;
  readonly #all = new Set<SandboxSamples>();
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;

  /** @param hasDisk whether sandboxes have disks of their own on this host */
  constructor(options: SamplingOptions, hasDisk: boolean) {
    this.#options = options;
    this.#hasDisk = hasDisk;
  }

  /**
   * Takes the first sample of a sandbox. To be called when it ends, while it can be read: what is returned takes the last, and
   * resolves when its costs are recorded.
   */
  begin(sandbox: Sampled, say: SaySample): () => Promise<void> {
    const { intervalMs, costRates: rates } = this.#options;
    const samples = new SandboxSamples(sandbox, say, { rates, hasDisk: this.#hasDisk });
    this.#all.add(samples);
    if (intervalMs > 0) this.#timer ??= setInterval(() => void this.run(), intervalMs).unref();
    return () => {
      this.#all.delete(samples);
      if (this.#all.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
      return samples.end();
    };
  }

  /** Samples all that were not just sampled; what the timer does. */
  async run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    let sliceMs = performance.now();
    const beforeMs = sliceMs - this.#options.intervalMs / 2;
    for (const samples of this.#all) {
      if (samples.lastMs > beforeMs) continue;
      samples.take();
      if (performance.now() - sliceMs < SLICE_MS) continue;
      await nextTurn();
      sliceMs = performance.now();
    }
    this.#isRunning = false;
  }
}
