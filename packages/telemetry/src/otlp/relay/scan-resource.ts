import { LEN, VARINT } from "../wire.ts";
import { ByteRanges } from "./byte-ranges.ts";
import { FieldReader } from "./field-reader.ts";
import type { HostOwnedKeys, KeyOwnership } from "./host-owned-keys.ts";

// Resource
const ATTRIBUTES = 1;
const DROPPED_ATTRIBUTES_COUNT = 2;
const ENTITY_REFS = 3;
// KeyValue
const KEY = 1;
const VALUE = 2;
// AnyValue
const ARRAY_VALUE = 5;
const KVLIST_VALUE = 6;
// EntityRef
const FIRST_OF_ENTITY = 1;
const ID_KEYS = 3;
const DESCRIPTION_KEYS = 4;

const MAX_VARINT32_BYTES = 5;

/**
 * Finds what of a `Resource` from inside a sandbox is passed on: all but what speaks of whose it is. Not kept are
 *
 * - attributes under a key that the host owns. Where a KeyValue has several keys any of them counts: protobuf has the last one
 *   win, but not every reader is protobuf's;
 * - maps and lists under the beginning of such a key (`sandglass: {sandbox: {id: …}}`), which many backends flatten into it;
 * - entity references that name such a key: what the entity is, is not for the sandbox to say.
 */
export class ResourceScanner {
  /** Fields that were not kept, since {@link begin}. */
  removed = 0;
  /** Where those lie. */
  readonly removedRanges: ByteRanges = new ByteRanges();
  /** As of {@link FieldReader}, of the last scan that said false. */
  problem = "";
  problemAt = 0;
  readonly #resource = new FieldReader();
  readonly #inner = new FieldReader();
  readonly #value = new FieldReader();

  begin(): void {
    this.removed = 0;
    this.removedRanges.clear();
  }

  /** Lets go of the bytes. */
  leave(): void {
    this.#resource.leave();
    this.#inner.leave();
    this.#value.leave();
  }

  /** Adds to `kept` what remains of the Resource in `bytes[start, end)`. False where it is malformed. */
  scan(bytes: Uint8Array, start: number, end: number, owned: HostOwnedKeys, kept: ByteRanges): boolean {
    const reader = this.#resource;
    reader.enter(bytes, start, end);
    while (reader.next()) {
      const isForged = this.#isForged(bytes, owned);
      if (isForged === undefined) return false;
      if (isForged) {
        this.removed++;
        this.removedRanges.add(reader.fieldStart, reader.at);
      } else kept.add(reader.fieldStart, reader.at);
    }
    return this.#isSound(reader);
  }

  /** Of the field that the reader of the Resource is at. Undefined where it is malformed. */
  #isForged(bytes: Uint8Array, owned: HostOwnedKeys): boolean | undefined {
    const reader = this.#resource;
    switch (reader.field) {
      case ATTRIBUTES:
        if (!reader.expect(LEN)) break;
        return this.#isForgedAttribute(bytes, reader.valueStart, reader.at, owned);
      case DROPPED_ATTRIBUTES_COUNT:
        if (!reader.expect(VARINT)) break;
        if (reader.at - reader.valueStart <= MAX_VARINT32_BYTES) return false;
        reader.refuse("a count has more than 32 bits");
        break;
      case ENTITY_REFS:
        if (!reader.expect(LEN)) break;
        return this.#isForgedEntity(bytes, reader.valueStart, reader.at, owned);
      default:
        return false;
    }
    this.#isSound(reader);
    return undefined;
  }

  #isForgedAttribute(
    bytes: Uint8Array,
    start: number,
    end: number,
    owned: HostOwnedKeys,
  ): boolean | undefined {
    const reader = this.#inner;
    let ownership: KeyOwnership = "free";
    reader.enter(bytes, start, end);
    while (reader.next()) {
      if (reader.field !== KEY && reader.field !== VALUE) continue;
      if (!reader.expect(LEN)) break;
      if (reader.field !== KEY || ownership === "owned") continue;
      const found = owned.ownershipOf(bytes, reader.valueStart, reader.at);
      if (found !== "free") ownership = found;
    }
    if (!this.#isSound(reader)) return undefined;
    return ownership === "group" ? this.#holdsValues(bytes, start, end) : ownership === "owned";
  }

  /** Whether the value of a KeyValue, already found to be sound, is a map or a list. */
  #holdsValues(bytes: Uint8Array, start: number, end: number): boolean | undefined {
    const reader = this.#inner;
    const value = this.#value;
    reader.enter(bytes, start, end);
    while (reader.next()) {
      if (reader.field !== VALUE) continue;
      value.enter(bytes, reader.valueStart, reader.at);
      while (value.next()) if (value.field === ARRAY_VALUE || value.field === KVLIST_VALUE) return true;
      if (!this.#isSound(value)) return undefined;
    }
    return false;
  }

  #isForgedEntity(bytes: Uint8Array, start: number, end: number, owned: HostOwnedKeys): boolean | undefined {
    const reader = this.#inner;
    let isForged = false;
    reader.enter(bytes, start, end);
    while (reader.next()) {
      if (reader.field < FIRST_OF_ENTITY || reader.field > DESCRIPTION_KEYS) continue;
      if (!reader.expect(LEN)) break;
      if (reader.field < ID_KEYS || isForged) continue;
      isForged = owned.ownershipOf(bytes, reader.valueStart, reader.at) === "owned";
    }
    return this.#isSound(reader) ? isForged : undefined;
  }

  #isSound(reader: FieldReader): boolean {
    if (reader.problem === undefined) return true;
    this.problem = reader.problem;
    this.problemAt = reader.problemAt;
    return false;
  }
}
