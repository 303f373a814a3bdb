import { setTimeout as sleep } from "node:timers/promises";
import type { Board } from "./board.ts";
import type { Observation, Probe } from "./component-spec.ts";
import { ProbeCounts } from "./probe-counts.ts";

/** How soon a probe that disagrees with what is held is asked again. */
const CONFIRM_MS = 5_000;
/** How often it is looked whether probes came or went, maintenance is due, something is too old. */
const TICK_MS = 1_000;
/** Probes begin this long after the start at the earliest, one after the other. */
const FIRST_MS = 500;
const SPREAD_MS = 250;
/** Timers are late now and then; beyond this nobody watched. */
const SLACK_MS = 5_000;

export interface ProberOptions {
  board: Board;
  /** All of them, as of now. Those of the same id are taken for the same. */
  probes: () => readonly Probe[];
  onProblem: (message: string, error: unknown) => void;
}

/** Looks at every component, again and again, and tells the board. */
export class Prober {
  readonly counts: ProbeCounts = new ProbeCounts();
  readonly #options: ProberOptions;
  readonly #stopping = new AbortController();
  readonly #running = new Map<string, { probe: Probe; stop: AbortController; done: Promise<void> }>();
  readonly #ticks: NodeJS.Timeout;

  constructor(options: ProberOptions) {
    this.#options = options;
    this.#tick();
    this.#ticks = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** Resolves when nothing looks any more. What a look finds from now on is not told. */
  async stop(): Promise<void> {
    clearInterval(this.#ticks);
    this.#stopping.abort();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  #tick(): void {
    const { board, onProblem } = this.#options;
    try {
      const wanted = this.#options.probes();
      const isSame = wanted.length === this.#running.size && wanted.every(({ id }) => this.#running.has(id));
      if (!isSame) this.#begin(wanted);
      board.tick(Date.now());
    } catch (error) {
      onProblem("the status page was not brought up to date", error);
    }
  }

  #begin(wanted: readonly Probe[]): void {
    this.#options.board.setComponents(wanted, Date.now());
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, { stop }] of this.#running) {
      if (ids.has(id)) continue;
      stop.abort();
      this.#running.delete(id);
    }
    for (const [index, probe] of wanted.entries()) {
      if (this.#running.has(probe.id)) continue;
      const stop = new AbortController();
      const signal = AbortSignal.any([stop.signal, this.#stopping.signal]);
      const first = Math.min(probe.intervalMs, FIRST_MS + index * SPREAD_MS);
      this.#running.set(probe.id, { probe, stop, done: this.#watch(probe, first, signal) });
    }
  }

  async #watch(probe: Probe, firstMs: number, signal: AbortSignal): Promise<void> {
    const { board, onProblem } = this.#options;
    let waitMs = firstMs;
    for (;;) {
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      const began = performance.now();
      const observation = await lookAt(probe, signal);
      // Whatever fails while the daemon stops says nothing about the service.
      if (signal.aborted) return;
      this.counts.add(probe.id, observation);
      try {
        board.observe(probe.id, observation, Date.now(), probe.intervalMs + probe.timeoutMs + SLACK_MS);
      } catch (error) {
        onProblem("what a probe found was not kept", error);
      }
      const isUnsettled = board.component(probe.id)?.judged.isUnsettled === true;
      const interval = isUnsettled ? Math.min(CONFIRM_MS, probe.intervalMs) : probe.intervalMs;
      // By its own clock: a look that takes long does not put the next one off.
      waitMs = Math.max(0, interval - (isUnsettled ? 0 : performance.now() - began));
    }
  }
}

async function lookAt(probe: Probe, stopping: AbortSignal): Promise<Observation> {
  const late = AbortSignal.timeout(probe.timeoutMs);
  const signal = AbortSignal.any([late, stopping]);
  let onEnd: (() => void) | undefined;
  const ended = new Promise<Observation>((resolve) => {
    onEnd = () => resolve({ status: "major_outage", reason: `no answer within ${probe.timeoutMs} ms` });
    signal.addEventListener("abort", onEnd, { once: true });
  });
  try {
    return await Promise.race([probe.look(signal).catch((error: unknown) => failure(error)), ended]);
  } finally {
    if (onEnd !== undefined) signal.removeEventListener("abort", onEnd);
  }
}

/** Messages name addresses and paths: a code, or the kind of error, is enough. */
function failure(error: unknown): Observation {
  const { code, name } = error as { code?: unknown; name?: unknown };
  const reason = typeof code === "string" ? code : typeof name === "string" ? name : "it failed";
  return { status: "major_outage", reason };
}
