import { compileFilter, type EventFilter, type EventPredicate, type RuntimeEvent } from "@sandglass/protocol";
import { EventNeedles } from "../record/event-needles.ts";
import type { LogEvent } from "./log-event.ts";
import { compileWhere } from "./where.ts";

/** Which events an exporter gets. What is left out lets everything through; what is given must hold together. */
export interface ExporterFilter extends EventFilter {
  /** See {@link compileWhere}. */
  where?: string;
}

/** What the filter made of an event; "corrupt" where the record is none. */
export type Selection = "wanted" | "filtered" | "corrupt";

export interface SelectorOptions {
  filter?: ExporterFilter | undefined;
  /** Only events of this organisation. */
  orgId?: string | undefined;
  /** Of the destination itself. */
  accepts?: ((event: RuntimeEvent) => boolean) | undefined;
  /** Whether the destination looks inside events; then they are parsed here, so that it never meets one that cannot be. */
  needsEvents?: boolean | undefined;
}

/** Decides which events an exporter gets, without parsing where the bytes alone can tell. */
export class EventSelector {
  /** Times that `condition` or `where` threw, and the event was let through. */
  errors = 0;
  readonly #needles: EventNeedles;
  readonly #passes: EventPredicate | undefined;
  readonly #accepts: SelectorOptions["accepts"];
  readonly #orgId: string | undefined;
  readonly #needsEvents: boolean;
  /** Whether it may leave events out. */
  readonly isSelective: boolean;

  /** @throws SandglassError INVALID_REQUEST for a filter that can match nothing or cannot be read */
  constructor({ filter = {}, orgId, accepts, needsEvents = true }: SelectorOptions) {
    const { where, condition, ...rest } = filter;
    const isNarrowed = (rest.types?.length ?? 0) > 0 || rest.minLevel !== undefined;
    const conditions = [
      ...(where === undefined ? [] : [compileWhere(where)]),
      ...(condition ? [condition] : []),
    ];
    const count = (): void => {
      this.errors += 1;
    };
    // Each by itself, so that one that throws does not take the other's answer away.
    const predicates = [
      ...(isNarrowed ? [compileFilter(rest)] : []),
      ...conditions.map((each) => compileFilter({ condition: each }, count)),
    ];
    this.#passes =
      predicates.length === 0 ? undefined : (event) => predicates.every((passes) => passes(event));
    this.#needles = new EventNeedles({ orgId }, rest);
    this.#accepts = accepts;
    this.#orgId = orgId;
    this.isSelective = this.#passes !== undefined || accepts !== undefined || orgId !== undefined;
    this.#needsEvents = needsEvents || this.isSelective;
  }

  select(candidate: LogEvent): Selection {
    if (!this.#needles.mayMatch(candidate.payload)) return "filtered";
    if (!this.#needsEvents) return "wanted";
    const event = candidate.parse();
    if (event === undefined) return "corrupt";
    if (this.#orgId !== undefined && event.orgId !== this.#orgId) return "filtered";
    if (this.#passes !== undefined && !this.#passes(event)) return "filtered";
    return this.#accepts === undefined || this.#accepts(event) ? "wanted" : "filtered";
  }
}
