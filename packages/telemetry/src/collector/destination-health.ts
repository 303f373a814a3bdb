import type { Emit } from "@sandglass/protocol";
import { HealthEvents } from "../delivery/health-events.ts";
import type { CollectorReport } from "./messages.ts";

/** Destinations whose stalls and recoveries are told in one trace each. */
const MAX_REMEMBERED = 1_000;

/** Says in the record how destinations of telemetry are doing. */
export class DestinationHealth {
  readonly #emit: Emit;
  readonly #onProblem: (message: string, error?: unknown) => void;
  readonly #events = new Map<string, HealthEvents>();

  constructor(emit: Emit, onProblem: (message: string, error?: unknown) => void) {
    this.#emit = emit;
    this.#onProblem = onProblem;
  }

  stalled({ id, orgId, reason, lagEvents }: Extract<CollectorReport, { kind: "stalled" }>): void {
    this.#eventsOf(id, orgId).stalled(reason, lagEvents);
  }

  recovered({ id, orgId, stalledMs }: Extract<CollectorReport, { kind: "recovered" }>): void {
    this.#eventsOf(id, orgId).recovered(stalledMs);
  }

  #eventsOf(id: string, orgId = "default"): HealthEvents {
    let events = this.#events.get(id);
    if (events === undefined) {
      events = new HealthEvents(this.#emit, id, orgId, this.#onProblem);
      if (this.#events.size >= MAX_REMEMBERED) this.#events.clear();
      this.#events.set(id, events);
    }
    return events;
  }
}
