import type { RuntimeEvent } from "@sandglass/protocol";
import { parseEvent } from "../record/parse-event.ts";
import { endsSpanAbove, mayEndSpanAbove } from "./forward/span-above.ts";
import type { ForwardedSandbox } from "./forwarded-sandbox.ts";

/** Requests that began a run, which may be over long before a sandbox is there: some hundred bytes each. */
const MAX_REQUESTS = 1_000;
const RUN_REQUEST = ['"route":"/v1/runs"', '"method":"POST"'].map((field) => Buffer.from(field));
const OF_RUN = Buffer.from('"type":"run.');
/** Runs that began and were not completed. */
const MAX_RUNS = 10_000;

/**
 * Spans above what was asked of forwarded sandboxes: those of the run, its agents and their tools, and of the request that began the run.
 * Without them an owner's back end would have spans that name a parent which is not there.
 */
export class SpansAbove {
  readonly #runOver: (sandbox: ForwardedSandbox) => void;
  /** The newest, not parsed. */
  readonly #requests: Buffer[] = [];
  readonly #openRuns = new Set<string>();

  /** @param runOver is called with each sandbox whose run is over, once it was given what there is to tell of that */
  constructor(runOver: (sandbox: ForwardedSandbox) => void) {
    this.#runOver = runOver;
  }

  /** To be called with each event while no sandbox is forwarded. */
  remember(payload: Buffer): void {
    if (payload.includes(OF_RUN)) this.#follow(parseEvent(payload.toString("utf8")));
    if (!RUN_REQUEST.every((field) => payload.includes(field))) return;
    // What it is part of is more than a hundred times as large.
    this.#requests.push(Buffer.from(payload));
    if (this.#requests.length > MAX_REQUESTS) this.#requests.shift();
  }

  /** Whether its run began while this was looking, and is not completed: only then more is to come. */
  isRunOpen({ owner }: ForwardedSandbox): boolean {
    return this.#openRuns.has(keyOf(owner));
  }

  /** To be called with each event that names no forwarded sandbox. Each destination is told once, of whichever of its sandboxes. */
  take(position: number, payload: Buffer, sandboxes: ReadonlyMap<string, ForwardedSandbox>): void {
    this.remember(payload);
    const event = mayEndSpanAbove(payload) ? parseEvent(payload.toString("utf8")) : undefined;
    if (event === undefined || !endsSpanAbove(event)) return;
    const told = new Set<string | undefined>();
    for (const sandbox of sandboxes.values()) {
      const { destinationId, owner } = sandbox;
      if (!told.has(destinationId) && sandbox.isBelow(event)) {
        told.add(destinationId);
        sandbox.takeAbove(position, [...this.#requestAbove(event), event]);
      }
      const isOwn = event.runId === owner.runId && event.orgId === owner.orgId;
      if (isOwn && event.type === "run.completed") this.#runOver(sandbox);
    }
  }

  #follow(event: RuntimeEvent | undefined): void {
    if (event?.type === "run.completed") this.#openRuns.delete(keyOf(event));
    if (event?.type !== "run.started") return;
    this.#openRuns.add(keyOf(event));
    const [oldest] = this.#openRuns;
    if (this.#openRuns.size > MAX_RUNS && oldest !== undefined) this.#openRuns.delete(oldest);
  }

  /** What began the run that ends with `event`. */
  #requestAbove({ type, parentSpanId, traceId, orgId }: RuntimeEvent): RuntimeEvent[] {
    const isRoot = type === "run.completed" && parentSpanId !== "";
    const found = isRoot
      ? this.#requests.find((payload) => payload.includes(`"${parentSpanId}"`))
      : undefined;
    const request = found && parseEvent(found.toString("utf8"));
    const isAbove =
      request?.type === "http.request" &&
      request.spanId === parentSpanId &&
      request.traceId === traceId &&
      request.orgId === orgId;
    return isAbove ? [request] : [];
  }
}

function keyOf({ orgId, runId }: { orgId: string; runId: string }): string {
  return `${orgId} ${runId}`;
}
