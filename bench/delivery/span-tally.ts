/** Fields of OTLP's messages on the way to a span's id, by their tags: `field << 3 | 2`. */
const RESOURCE_SPANS = 0x0a;
const SCOPE_SPANS = 0x12;
const SPAN = 0x12;
const SPAN_ID = 0x12;
const ATTRIBUTE = 0x4a;
const KEY = 0x0a;

/** Counts the spans of OTLP requests without decoding more of them than their framing. */
export class SpanTally {
  spans = 0;
  /** Names of the first span's attributes, sorted: to see that two senders say the same. */
  attributes: string[] = [];
  readonly #ids = new Set<string>();

  /** How many there are with an id of their own. */
  get unique(): number {
    return this.#ids.size;
  }

  /** Takes an `ExportTraceServiceRequest`. */
  add(request: Buffer): void {
    eachField(request, 0, request.length, RESOURCE_SPANS, (at, end) =>
      eachField(request, at, end, SCOPE_SPANS, (from, to) =>
        eachField(request, from, to, SPAN, (start, stop) => {
          this.spans += 1;
          if (this.spans === 1) this.attributes = attributesOf(request, start, stop);
          eachField(request, start, stop, SPAN_ID, (id, idEnd) => {
            this.#ids.add(request.toString("latin1", id, idEnd));
          });
        }),
      ),
    );
  }
}

function attributesOf(request: Buffer, spanStart: number, spanEnd: number): string[] {
  const names: string[] = [];
  eachField(request, spanStart, spanEnd, ATTRIBUTE, (at, end) =>
    eachField(request, at, end, KEY, (from, to) => names.push(request.toString("utf8", from, to))),
  );
  return names.sort();
}

/** Tells of each field with this tag, by where its content begins and ends. */
function eachField(
  bytes: Buffer,
  start: number,
  end: number,
  wanted: number,
  tell: (at: number, end: number) => unknown,
): void {
  let at = start;
  while (at < end) {
    const tag = varint(bytes, at);
    at = tag.next;
    switch (tag.value & 7) {
      case 0:
        at = varint(bytes, at).next;
        break;
      case 1:
        at += 8;
        break;
      case 5:
        at += 4;
        break;
      default: {
        const length = varint(bytes, at);
        at = length.next + length.value;
        if (tag.value === wanted) tell(length.next, at);
      }
    }
  }
}

function varint(bytes: Buffer, start: number): { value: number; next: number } {
  let at = start;
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at++] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, next: at };
  }
}
