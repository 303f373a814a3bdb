import { numberHash, pairHash, textHash } from "./attribute-hash.ts";
import { partFromProtobuf } from "./from-protobuf.ts";
import { plainValue } from "./plain-attributes.ts";
import type { SpanCursor } from "./span-cursor.ts";
import type { KnownText, TextCache } from "./text-cache.ts";
import { FIXED64, LEN, tag, VARINT } from "./wire.ts";

const KEY = tag(1, LEN);
const VALUE = tag(2, LEN);
const STRING = tag(1, LEN);
const BOOL = tag(2, VARINT);
const INT = tag(3, VARINT);
const DOUBLE = tag(4, FIXED64);
/** Few enough to be looked through for a name that is there already. */
const FEW = 16;

const EMPTY: KnownText = { text: "", json: '""', hash: textHash("") };

/** A span's attributes as they are read, without an object of them. */
export class SpanAttributes {
  /** As JSON of an object, without its braces. */
  json = "";
  /** See `pairHash`; of each that has a value. */
  readonly hashes: number[] = [];
  readonly #texts: TextCache;
  readonly #names: string[] = [];
  #many: Set<string> | undefined;
  #valueHash: number | undefined;

  constructor(texts: TextCache) {
    this.#texts = texts;
  }

  clear(): void {
    this.json = "";
    this.hashes.length = 0;
    this.#names.length = 0;
    this.#many = undefined;
  }

  /** A `KeyValue` up to `end`. Of a name that is there twice the first counts. */
  read(cursor: SpanCursor, end: number): void {
    let name = EMPTY;
    let json = "null";
    this.#valueHash = undefined;
    while (cursor.at < end) {
      const field = cursor.tag();
      if (field === KEY) name = this.#text(cursor);
      else if (field === VALUE) json = this.#value(cursor);
      else cursor.skip(field);
    }
    cursor.close(end);
    if (this.#isKnown(name.text)) return;
    this.json += `${this.json === "" ? "" : ","}${name.json}:${json}`;
    if (this.#valueHash !== undefined) this.hashes.push(pairHash(name.hash, this.#valueHash));
  }

  #isKnown(name: string): boolean {
    if (this.#many === undefined && this.#names.length < FEW) {
      if (this.#names.includes(name)) return true;
      this.#names.push(name);
      return false;
    }
    this.#many ??= new Set(this.#names);
    if (this.#many.has(name)) return true;
    this.#many.add(name);
    return false;
  }

  #text(cursor: SpanCursor): KnownText {
    const end = cursor.lengthEnd();
    const known = this.#texts.read(cursor.bytes, cursor.at, end);
    cursor.at = end;
    return known;
  }

  /** One `AnyValue` as JSON; sets its hash. */
  #value(cursor: SpanCursor): string {
    const end = cursor.lengthEnd();
    const start = cursor.at;
    this.#valueHash = undefined;
    if (start === end) return "null";
    const field = cursor.tag();
    if (field === STRING) {
      const { json, hash } = this.#text(cursor);
      if (cursor.at === end) return this.#found(json, hash);
    } else if (field === BOOL) {
      const text = cursor.varint() === 0 ? "false" : "true";
      if (cursor.at === end) return this.#found(text, textHash(text));
    } else if (field === INT) {
      const value = cursor.varint();
      if (cursor.at === end && Number.isSafeInteger(value)) return this.#number(value);
    } else if (field === DOUBLE) {
      const value = cursor.double();
      if (cursor.at === end && Number.isFinite(value)) return this.#number(value);
    }
    // What is made up of parts, and what is seldom, as everything else is read.
    cursor.at = end;
    const value = plainValue(partFromProtobuf(cursor.bytes.subarray(start, end), "anyValue"), 0);
    if (value === null) return "null";
    const json = JSON.stringify(value);
    return this.#found(json, textHash(typeof value === "string" ? value : json));
  }

  #number(value: number): string {
    // -0 is 0 in JSON.
    const text = Object.is(value, -0) ? "0" : String(value);
    return this.#found(text, numberHash(value));
  }

  #found(json: string, hash: number): string {
    this.#valueHash = hash;
    return json;
  }
}
