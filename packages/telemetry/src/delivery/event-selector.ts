import { compileFilter, type EventFilter, type EventPredicate, type RuntimeEvent } from "@sandglass/protocol";
import { EventNeedles } from "../record/event-needles.ts";
import { EventScan } from "../scan/event-scan.ts";
import { ScannedEvent } from "../scan/scanned-event.ts";
import type { LogEvent } from "./log-event.ts";
import { TypeVerdicts } from "./type-verdicts.ts";
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
  /** Of the destination itself. Reads fields of an event by their names alone. */
  accepts?: ((event: RuntimeEvent) => boolean) | undefined;
  /** What it accepts of a type, it accepts of all events of that type. */
  acceptsByType?: boolean | undefined;
  /** Whether the destination looks inside events; then they are parsed here, so that it never meets one that cannot be. */
  needsEvents?: boolean | undefined;
  /** Of the destination itself, for a log whose records are no events. */
  acceptsRecord?: ((payload: Buffer) => boolean) | undefined;
}

/** Decides which events an exporter gets, without parsing where the bytes alone can tell. */
export class EventSelector {
  /** Times that `condition` or `where` threw, and the event was let through. */
  errors = 0;
  /** Undefined where there is nothing that the bytes alone could tell. */
  readonly #needles: EventNeedles | undefined;
  readonly #passes: EventPredicate | undefined;
  readonly #accepts: SelectorOptions["accepts"];
  readonly #orgId: string | undefined;
  /** Whether nobody looks inside: all are wanted as they are. */
  readonly #takesAll: boolean;
  /** Whether events are parsed. Else they are only read, as far as what decides about them: most of an event is not made at all. */
  readonly #parses: boolean;
  readonly #scanned = new ScannedEvent((names) => new EventScan(names));
  readonly #acceptsRecord: SelectorOptions["acceptsRecord"];
  /** Where nothing but the type decides. */
  readonly #verdicts: TypeVerdicts | undefined;

  /** @throws SandglassError INVALID_REQUEST for a filter that can match nothing or cannot be read */
  constructor(options: SelectorOptions) {
    const { filter = {}, orgId, accepts, acceptsByType, needsEvents = true, acceptsRecord } = options;
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
    this.#needles = isNarrowed || orgId !== undefined ? new EventNeedles({ orgId }, rest) : undefined;
    this.#accepts = accepts;
    this.#acceptsRecord = acceptsRecord;
    this.#orgId = orgId;
    // What a user wrote may do anything with an event.
    this.#parses = needsEvents || conditions.length > 0;
    const isOpen = !this.#parses && !isNarrowed && orgId === undefined;
    this.#takesAll = isOpen && accepts === undefined;
    this.#verdicts = isOpen && acceptsByType === true ? new TypeVerdicts() : undefined;
  }

  select(candidate: LogEvent): Selection {
    if (this.#acceptsRecord !== undefined)
      return this.#acceptsRecord(candidate.payload) ? "wanted" : "filtered";
    if (this.#needles?.mayMatch(candidate.payload) === false) return "filtered";
    if (this.#takesAll) return "wanted";
    const known = this.#verdicts?.find(candidate.bytes, candidate.start, candidate.end);
    if (known !== undefined) return known ? "wanted" : "filtered";
    const event = this.#parses ? candidate.parse() : this.#read(candidate);
    if (event === undefined) return "corrupt";
    if (this.#orgId !== undefined && event.orgId !== this.#orgId) return "filtered";
    if (this.#passes !== undefined && !this.#passes(event)) return "filtered";
    const isWanted = this.#accepts === undefined || this.#accepts(event);
    this.#verdicts?.learn(this.#scanned.scan, isWanted);
    return isWanted ? "wanted" : "filtered";
  }

  #read(candidate: LogEvent): RuntimeEvent | undefined {
    return this.#scanned.open(candidate) ? this.#scanned.event : undefined;
  }
}
