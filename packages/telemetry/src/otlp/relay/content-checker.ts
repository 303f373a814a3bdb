import type { Signal } from "../model.ts";
import {
  ACTIONS,
  EIGHT_BYTES,
  FIRST_MESSAGE,
  FOUR_BYTES,
  KEY_VALUE,
  NUMBER,
  NUMBER32,
  PACKED_EIGHT_BYTES,
  PACKED_NUMBERS,
  REQUESTS,
  RESOURCE,
  SIZED,
  TAGS,
  UNKNOWN_FIELD,
  WRONG_WIRE_TYPE,
} from "./content-shapes.ts";
import { FieldReader } from "./field-reader.ts";
import { isPlainKeyValue } from "./plain-key-value.ts";

/** Messages within messages: as deep as protobuf's own readers go. */
const MAX_DEPTH = 100;
/** Levels that a KeyValue with a plain value takes. */
const KEY_VALUE_DEPTH = 2;
/** A request and a `ResourceSpans` are around it. */
const RESOURCE_DEPTH = 2;
/** `Span.flags`, field 16, the one known tag of two bytes: 0x85 0x01. */
const FLAGS = 0x85;

/**
 * Walks a request down to its last value and sees that every message stays within the one that holds it, with the wire types that
 * OTLP has. Values are not read.
 *
 * What this is for: a message that says it is longer than what holds it is refused by most readers, but there are many in use that
 * go on with whatever bytes follow (protobufjs 7.4 is one). A sandbox could have those read a Resource of its own making out
 * of the middle of a text. Also nothing is accepted whose framing a backend will refuse, along with all that is sent beside it: what
 * is sound, protobufjs reads. Not seen to is that texts are UTF-8.
 */
export class ContentChecker {
  /** As of {@link FieldReader}, of the last check that said false. */
  problem = "";
  problemAt = 0;
  readonly #reader = new FieldReader();
  /** The messages around the present one: where they end and what they are. */
  readonly #ends = new Int32Array(MAX_DEPTH);
  readonly #shapes = new Int32Array(MAX_DEPTH);

  /** Lets go of the bytes. */
  leave(): void {
    this.#reader.leave();
  }

  check(signal: Signal, bytes: Uint8Array): boolean {
    return this.#walk(REQUESTS[signal], bytes, 0, bytes.length, 0);
  }

  /** As {@link check}, of some of the fields of a Resource, which lie in `bytes[start, end)`. */
  checkResource(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#walk(RESOURCE, bytes, start, end, RESOURCE_DEPTH);
  }

  /** @param outside how many messages there are around it */
  #walk(message: number, bytes: Uint8Array, from: number, stop: number, outside: number): boolean {
    const actions = ACTIONS;
    const keyValue = KEY_VALUE;
    const ends = this.#ends;
    const shapes = this.#shapes;
    const reader = this.#reader;
    let depth = outside;
    let shape = message * TAGS;
    let end = stop;
    let at = from;
    for (;;) {
      while (at === end) {
        if (depth === outside) return true;
        depth--;
        end = ends[depth]!;
        shape = shapes[depth]!;
      }
      // First what nearly all fields are: a tag of one byte, and behind it a fixed size, a small number, or a length of one to three.
      const tag = bytes[at]!;
      let action = tag < 0x80 ? actions[shape + tag]! : UNKNOWN_FIELD;
      let start = at + 2;
      let next = -1;
      if (action >= SIZED && at + 4 <= end) {
        let length = bytes[at + 1]!;
        if (length >= 0x80) {
          const second = bytes[start++]!;
          length = (length & 0x7f) | ((second & 0x7f) << 7);
          if (second >= 0x80) length |= bytes[start++]! << 14;
        }
        // A fourth byte would make the length at least 2^21, which the general way finds out.
        if (length < 0x20_0000 && length <= end - start) next = start + length;
      } else if (action === EIGHT_BYTES) {
        if (at + 9 <= end) next = at + 9;
      } else if (action === NUMBER32 || action === NUMBER) {
        if (start <= end && bytes[at + 1]! < 0x80) next = start;
      } else if (action === FOUR_BYTES) {
        if (at + 5 <= end) next = at + 5;
      } else if (tag === FLAGS && at + 6 <= end && bytes[at + 1] === 1) {
        if (actions[shape + FLAGS] === FOUR_BYTES) next = at + 6;
      }
      if (next < 0) {
        reader.enter(bytes, at, end);
        if (!reader.next()) return this.#refuse(reader.problem!, reader.problemAt);
        const known = reader.field * 8 + reader.wireType;
        action = known < TAGS ? actions[shape + known]! : UNKNOWN_FIELD;
        if (!this.#isSound(action, bytes)) return false;
        start = reader.valueStart;
        next = reader.at;
      }
      at = next;
      if (action < FIRST_MESSAGE) continue;
      if (action === keyValue && depth <= MAX_DEPTH - KEY_VALUE_DEPTH && isPlainKeyValue(bytes, start, next))
        continue;
      if (depth === MAX_DEPTH) return this.#refuse("messages are nested too deep", start);
      ends[depth] = end;
      shapes[depth] = shape;
      depth++;
      shape = action * TAGS;
      end = next;
      at = start;
    }
  }

  /** What the field that the reader is at has to fulfil besides its framing. */
  #isSound(action: number, bytes: Uint8Array): boolean {
    const { valueStart, at, fieldStart, wireType, field } = this.#reader;
    const size = at - valueStart;
    switch (action) {
      case WRONG_WIRE_TYPE:
        return this.#refuse(`field ${field} cannot have wire type ${wireType}`, fieldStart);
      case NUMBER32:
        // A negative one has ten. With any number between, protobufjs reads on beyond its end.
        return size <= 5 || size === 10 || this.#refuse("a number has more than 32 bits", fieldStart);
      case PACKED_EIGHT_BYTES:
        return size % 8 === 0 || this.#refuse("a packed list ends within a number", fieldStart);
      case PACKED_NUMBERS:
        return (
          arePackedNumbers(bytes, valueStart, at) || this.#refuse("a packed list is malformed", fieldStart)
        );
      default:
        return true;
    }
  }

  #refuse(problem: string, at: number): false {
    this.problem = problem;
    this.problemAt = at;
    return false;
  }
}

/** Whether `bytes[start, end)` is nothing but varints of at most ten bytes. */
function arePackedNumbers(bytes: Uint8Array, start: number, end: number): boolean {
  let size = 0;
  for (let at = start; at < end; at++) {
    size++;
    if (size > 10) return false;
    if (bytes[at]! < 0x80) size = 0;
  }
  return size === 0;
}
