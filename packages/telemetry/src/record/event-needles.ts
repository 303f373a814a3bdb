import { type EventFilter, LEVELS } from "@sandglass/protocol";
import type { LogItem } from "../log/log-reader.ts";

/**
 * Byte strings that the JSON of a wanted event must contain: what can be told without parsing it. Events are written by
 * `JSON.stringify`, so a field of the envelope reads the same in all of them; one of the same name inside `data` can only
 * let an event through to the exact test, never keep it out.
 */
export class EventNeedles {
  readonly #all: Buffer[] = [];
  readonly #anyType: Buffer[] = [];
  readonly #anyLevel: Buffer[] = [];

  constructor(fields: Readonly<Record<string, string | undefined>>, filter: EventFilter) {
    for (const [name, value] of Object.entries(fields)) {
      if (value !== undefined) this.#all.push(needle(name, value));
    }
    const types = filter.types ?? [];
    // A list of exclusions begins with everything.
    if (types.length > 0 && !types.some((type) => type.startsWith("!") || type === "*")) {
      for (const type of types) {
        const isFamily = type.endsWith(".*");
        this.#anyType.push(isFamily ? Buffer.from(`"type":"${type.slice(0, -1)}`) : needle("type", type));
      }
    }
    const lowest = LEVELS.indexOf(filter.minLevel ?? "debug");
    if (lowest > 0) this.#anyLevel.push(...LEVELS.slice(lowest).map((level) => needle("level", level)));
  }

  /**
   * Whether any record of a chunk can match: one search through memory instead of one for each record, which is what lets a
   * look-up pass over what it does not want at the disk's speed.
   */
  mayMatchAny(items: readonly LogItem[]): boolean {
    const rarest = this.#all[0];
    const first = items[0];
    const last = items.at(-1);
    if (!rarest || !first || !last || "gap" in first || "gap" in last) return true;
    const { buffer, byteOffset } = first.payload;
    // Records between two of one chunk are of that chunk.
    if (last.payload.buffer !== buffer) return true;
    const length = last.payload.byteOffset + last.payload.length - byteOffset;
    return (
      Buffer.from(buffer, byteOffset, length).indexOf(rarest) !== -1 || items.some((item) => "gap" in item)
    );
  }

  mayMatch(payload: Buffer): boolean {
    for (const bytes of this.#all) if (payload.indexOf(bytes) === -1) return false;
    return containsAny(payload, this.#anyType) && containsAny(payload, this.#anyLevel);
  }
}

function needle(name: string, value: string): Buffer {
  return Buffer.from(`"${name}":${JSON.stringify(value)}`);
}

function containsAny(payload: Buffer, needles: readonly Buffer[]): boolean {
  return needles.length === 0 || needles.some((bytes) => payload.indexOf(bytes) !== -1);
}
