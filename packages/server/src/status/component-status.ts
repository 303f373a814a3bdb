import { COMPONENT_STATUSES, type ComponentStatus } from "@sandglass/protocol";

/** What one probe may find. */
export type ProbedStatus = Exclude<ComponentStatus, "under_maintenance">;

/** How many probes in a row it takes. */
export interface Hysteresis {
  failuresToOpen: number;
  successesToResolve: number;
}

/** Position from best to worst. */
export function severity(status: ComponentStatus): number {
  return COMPONENT_STATUSES.indexOf(status);
}

export function worst(statuses: Iterable<ComponentStatus>): ComponentStatus {
  let found: ComponentStatus = "operational";
  for (const status of statuses) if (severity(status) > severity(found)) found = status;
  return found;
}

/**
 * What a component is held to be by its probes. One that disagrees changes nothing: it takes `failuresToOpen` in a row to be worse,
 * and `successesToResolve` to be better, so that a single lost packet is no outage and a flapping service does not flap here.
 */
export class JudgedStatus {
  #current: ProbedStatus;
  #disagreeing = 0;

  constructor(current: ProbedStatus) {
    this.#current = current;
  }

  get current(): ProbedStatus {
    return this.#current;
  }

  /** The last probe said something else: worth asking again soon. */
  get isUnsettled(): boolean {
    return this.#disagreeing > 0;
  }

  /** Returns whether the status is another one now. */
  hear(observed: ProbedStatus, { failuresToOpen, successesToResolve }: Hysteresis): boolean {
    if (observed === this.#current) {
      this.#disagreeing = 0;
      return false;
    }
    this.#disagreeing++;
    const isWorse = severity(observed) > severity(this.#current);
    if (this.#disagreeing < (isWorse ? failuresToOpen : successesToResolve)) return false;
    this.#current = observed;
    this.#disagreeing = 0;
    return true;
  }
}
