import type { EventType, RuntimeEvent } from "@sandglass/protocol";
import { encodeKey } from "../otlp/encode-attribute.ts";
import { SPAN } from "../otlp/encode-traces.ts";
import { SPAN_KIND } from "../otlp/model.ts";
import { ProtoWriter } from "../otlp/proto-writer.ts";
import type { EventScan } from "../scan/event-scan.ts";
import { nameAt } from "../scan/scanned-value.ts";
import { hasFractions } from "./otel-attribute.ts";
import { attributeName, isSaidAgain } from "./otel-attribute-names.ts";
import { isRemembered } from "./otel-memory.ts";
import { endsSpan } from "./otel-span.ts";
import { spanName } from "./span.ts";

/** What a field of the data becomes. */
export interface FieldPlan {
  readonly name: string;
  /** By `encodeKey`. */
  readonly key: Buffer;
  /** Its numbers are doubles, also where one has no fraction. */
  readonly hasFractions: boolean;
  /** The event that ends the span says it too. */
  readonly isSaidAgain: boolean;
}

function encodeSpanHead(event: RuntimeEvent): Uint8Array {
  const writer = new ProtoWriter();
  writeSpanHead(writer, event);
  return new Uint8Array(writer.finish());
}

/** Name and kind of the span that ends with `event`. */
export function writeSpanHead(writer: ProtoWriter, event: RuntimeEvent): void {
  writer.string(SPAN.name, spanName(event)!);
  writer.uint32(SPAN.kind, event.type === "http.request" ? SPAN_KIND.SERVER : SPAN_KIND.INTERNAL);
}

/** Ends of spans whose names are in what the event says. */
const NAMED_BY_DATA: ReadonlySet<EventType> = new Set<EventType>([
  "run.completed",
  "agent.completed",
  "file.error",
]);

/** What is the same for all events of one type, found once. */
export class TypePlan {
  readonly type: EventType;
  readonly endsSpan: boolean;
  /** See `OtelMemory`. */
  readonly isRemembered: boolean;
  /** Name and kind of the span, encoded; undefined where each has its own name. */
  readonly spanHead: Uint8Array | undefined;
  /** By the number of the field's name; null of one that is told otherwise. */
  readonly #fields: (FieldPlan | null)[] = [];

  constructor(type: EventType) {
    this.type = type;
    // Of its data no more is asked than what the name of a span may have in it.
    const event = { type, data: {} } as RuntimeEvent;
    this.endsSpan = endsSpan(event);
    this.isRemembered = isRemembered(event);
    const isNamedAlike = !NAMED_BY_DATA.has(type);
    this.spanHead = this.endsSpan && isNamedAlike ? encodeSpanHead(event) : undefined;
  }

  /** What the field in a slot of an event of this type becomes; null where it is no attribute by itself. */
  fieldAt(scan: EventScan, slot: number): FieldPlan | null {
    const index = scan.nameIndices[slot]!;
    const known = index === -1 ? undefined : this.#fields[index];
    if (known !== undefined) return known;
    const plan = this.#planOf(nameAt(scan, slot));
    if (index !== -1) this.#fields[index] = plan;
    return plan;
  }

  #planOf(field: string): FieldPlan | null {
    const name = attributeName(this.type, field);
    if (name === undefined) return null;
    return {
      name,
      key: encodeKey(name),
      hasFractions: hasFractions(name),
      isSaidAgain: isSaidAgain(this.type, field),
    };
  }
}
