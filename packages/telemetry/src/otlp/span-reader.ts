import { partFromProtobuf } from "./from-protobuf.ts";
import { MalformedOtlpError } from "./malformed-otlp-error.ts";
import type { OtlpLink, OtlpSpanEvent, Resource, Scope } from "./model.ts";
import { SpanAttributes } from "./span-attributes.ts";
import { low32, SpanCursor } from "./span-cursor.ts";
import { TextCache } from "./text-cache.ts";
import { FIXED32, FIXED64, LEN, tag, VARINT } from "./wire.ts";

const LISTED = tag(1, LEN);
const HEAD = tag(1, LEN);
const ITEMS = tag(2, LEN);
const TRACE_ID = tag(1, LEN);
const SPAN_ID = tag(2, LEN);
const PARENT_ID = tag(4, LEN);
const NAME = tag(5, LEN);
const KIND = tag(6, VARINT);
const START = tag(7, FIXED64);
const END = tag(8, FIXED64);
const ATTRIBUTES = tag(9, LEN);
const EVENTS = tag(11, LEN);
const LINKS = tag(13, LEN);
const STATUS = tag(15, LEN);
const STATUS_MESSAGE = tag(2, LEN);
const STATUS_CODE = tag(3, VARINT);
/** Of a message's fields that are not read, those whose wire type is another's are no such message. */
const EXPECTED: ReadonlyMap<number, number> = new Map([
  ...[1, 2, 3, 4, 5, 9, 11, 13, 15].map((field) => [field, LEN] as const),
  ...[6, 10, 12, 14].map((field) => [field, VARINT] as const),
  ...[7, 8].map((field) => [field, FIXED64] as const),
  [16, FIXED32],
]);

/** Resources and scopes, as their bytes are, that are kept. */
const MAX_KNOWN = 1_000;

/** A span as it was sent, with what is worth looking for. Times in Unix microseconds; 0 of none, or one that cannot be. */
export interface ReadSpan {
  trace: string;
  span: string;
  /** "" of a root. */
  parent: string;
  name: string;
  /** `SpanKind`. */
  kind: number;
  start: number;
  end: number;
  /** `Status.StatusCode`. */
  status: number;
  message: string | undefined;
  /** JSON of an object. */
  attributes: string;
  /** See `attributeHash`. Another's after the next span. */
  hashes: readonly number[];
  events: OtlpSpanEvent[] | undefined;
  links: OtlpLink[] | undefined;
}

/**
 * Reads an `ExportTraceServiceRequest` span by span, for whoever has to keep up with all that are sent: what is read as
 * `tracesFromProtobuf` does it takes several times as long.
 *
 * @example
 * const reader = new SpanReader((resource, scope) => ({ resource, scope }));
 * reader.read(body, (span, about) => keep(span, about));
 */
export class SpanReader<About> {
  readonly #describe: (resource: Resource | undefined, scope: Scope | undefined) => About;
  readonly #texts = new TextCache();
  readonly #attributes = new SpanAttributes(this.#texts);
  readonly #known = new Map<string, About>();

  /** @param describe what a span is told with of its resource and scope; kept, and told again for the same ones */
  constructor(describe: (resource: Resource | undefined, scope: Scope | undefined) => About) {
    this.#describe = describe;
  }

  /** @throws MalformedOtlpError where the bytes are no such message; spans before the fault have been told of */
  read(bytes: Buffer, onSpan: (span: ReadSpan, about: About) => void): void {
    const cursor = new SpanCursor(bytes);
    while (cursor.at < cursor.end) {
      const field = cursor.tag();
      if (field === LISTED) this.#readResourceSpans(cursor, cursor.lengthEnd(), onSpan);
      else cursor.skip(field);
    }
  }

  #readResourceSpans(cursor: SpanCursor, end: number, onSpan: (span: ReadSpan, about: About) => void): void {
    const resource = headOf(cursor, end);
    while (cursor.at < end) {
      const field = cursor.tag();
      if (field !== ITEMS) {
        cursor.skip(field);
        continue;
      }
      const itemsEnd = cursor.lengthEnd();
      const about = this.#aboutOf(resource, headOf(cursor, itemsEnd));
      while (cursor.at < itemsEnd) {
        const item = cursor.tag();
        if (item === ITEMS) onSpan(this.#readSpan(cursor, cursor.lengthEnd()), about);
        else cursor.skip(item);
      }
      cursor.close(itemsEnd);
    }
    cursor.close(end);
  }

  #aboutOf(resource: Buffer | undefined, scope: Buffer | undefined): About {
    const name = `${resource?.toString("latin1") ?? "-"}\u0100${scope?.toString("latin1") ?? "-"}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const about = this.#describe(
      resource && partFromProtobuf(resource, "resource"),
      scope && partFromProtobuf(scope, "scope"),
    );
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(name, about);
    return about;
  }

  #readSpan(cursor: SpanCursor, end: number): ReadSpan {
    const attributes = this.#attributes;
    attributes.clear();
    const span: ReadSpan = {
      ...{
        trace: "",
        span: "",
        parent: "",
        name: "",
        kind: 0,
        start: 0,
        end: 0,
        status: 0,
        message: undefined,
      },
      ...{ attributes: "", hashes: attributes.hashes, events: undefined, links: undefined },
    };
    while (cursor.at < end) {
      const field = cursor.tag();
      if (field === ATTRIBUTES) attributes.read(cursor, cursor.lengthEnd());
      else if (field === TRACE_ID) span.trace = cursor.hex(16);
      else if (field === SPAN_ID) span.span = cursor.hex(8);
      else if (field === PARENT_ID) span.parent = cursor.hex(8);
      else if (field === NAME) span.name = this.#text(cursor);
      else if (field === KIND) span.kind = low32(cursor.varint());
      else if (field === START) span.start = cursor.micros();
      else if (field === END) span.end = cursor.micros();
      else if (field === STATUS) this.#readStatus(cursor, cursor.lengthEnd(), span);
      else if (field === EVENTS) {
        span.events ??= [];
        span.events.push(partFromProtobuf(taken(cursor), "spanEvent"));
      } else if (field === LINKS) {
        span.links ??= [];
        span.links.push(partFromProtobuf(taken(cursor), "link"));
      } else skipOther(cursor, field);
    }
    cursor.close(end);
    span.attributes = `{${attributes.json}}`;
    return span;
  }

  #readStatus(cursor: SpanCursor, end: number, span: ReadSpan): void {
    span.status = 0;
    span.message = undefined;
    while (cursor.at < end) {
      const field = cursor.tag();
      if (field === STATUS_MESSAGE) span.message = this.#text(cursor);
      else if (field === STATUS_CODE) span.status = low32(cursor.varint());
      else cursor.skip(field);
    }
    cursor.close(end);
  }

  #text(cursor: SpanCursor): string {
    const end = cursor.lengthEnd();
    const { text } = this.#texts.read(cursor.bytes, cursor.at, end);
    cursor.at = end;
    return text;
  }
}

/** The bytes of a message's first field, which may stand behind what it is the head of. */
function headOf(cursor: SpanCursor, end: number): Buffer | undefined {
  const start = cursor.at;
  let head: Buffer | undefined;
  while (cursor.at < end) {
    const field = cursor.tag();
    if (field === HEAD) head = taken(cursor);
    else cursor.skip(field);
  }
  cursor.close(end);
  cursor.at = start;
  return head;
}

function taken(cursor: SpanCursor): Buffer {
  const end = cursor.lengthEnd();
  const bytes = cursor.bytes.subarray(cursor.at, end);
  cursor.at = end;
  return bytes;
}

function skipOther(cursor: SpanCursor, field: number): void {
  const expected = EXPECTED.get(Math.floor(field / 8));
  if (expected !== undefined && field % 8 !== expected) {
    throw new MalformedOtlpError(
      `field ${Math.floor(field / 8)} has wire type ${field % 8}, not ${expected}`,
    );
  }
  cursor.skip(field);
}
