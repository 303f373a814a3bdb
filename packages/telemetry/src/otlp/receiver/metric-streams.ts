import { FieldReader } from "../relay/field-reader.ts";
import { KeyedHash } from "./keyed-hash.ts";
import {
  attributesField,
  DATA_FIELDS,
  ENTRIES,
  METRICS,
  NAME,
  POINTS,
  RESOURCE,
  SCOPE,
  SCOPES,
  UNIT,
} from "./metric-fields.ts";
import { StreamSet } from "./stream-set.ts";

/** What a string that is hashed is about. */
const OF_RESOURCE = 1;
const OF_SCOPE = 2;
const OF_NAME = 3;
const OF_UNIT = 4;
const OF_KIND = 5;
const OF_POINT = 6;

/**
 * The streams of metrics that a sender has made so far. As the data model of OpenTelemetry has it, a stream is told from others by
 * its resource, scope, name, unit, kind and attributes, whose order makes no difference. (Counting by name and attributes alone, a
 * sender could make any number of them by changing its resource.)
 *
 * Of each it keeps a hash. Two that have the same, which are not to be expected, are taken for one.
 */
export class MetricStreams {
  readonly #known = new StreamSet();

  get count(): number {
    return this.#known.size;
  }

  /**
   * Adds the streams of a request as long as there are not more than `limit`.
   *
   * @param bytes a sound `ExportMetricsServiceRequest`, stamped: what the host says of the resource is the same for all
   * @returns the data points whose streams are beyond it, by their place among those of the request; empty where there are none
   */
  add(bytes: Uint8Array, limit: number): number[] {
    return WALK.walk(bytes, this.#known, limit);
  }
}

/** The state of walking one request; made once, since that is done within one turn of the event loop. */
class StreamWalk {
  #bytes: Uint8Array = new Uint8Array();
  #known!: StreamSet;
  #limit = 0;
  #points = 0;
  #beyond: number[] = [];
  readonly #hash = new KeyedHash();
  readonly #request = new FieldReader();
  readonly #entry = new FieldReader();
  readonly #scope = new FieldReader();
  readonly #metric = new FieldReader();
  readonly #data = new FieldReader();
  readonly #point = new FieldReader();

  walk(bytes: Uint8Array, known: StreamSet, limit: number): number[] {
    this.#bytes = bytes;
    this.#known = known;
    this.#limit = limit;
    this.#points = 0;
    this.#beyond = [];
    const reader = this.#request;
    reader.enter(bytes, 0, bytes.length);
    while (reader.next()) if (reader.field === ENTRIES) this.#walkEntry(reader.valueStart, reader.at);
    this.#leave();
    return this.#beyond;
  }

  #walkEntry(start: number, end: number): void {
    const reader = this.#entry;
    this.#hash.begin(0, 0);
    // What is around comes first whatever the order of the fields, hence each message is walked twice.
    reader.enter(this.#bytes, start, end);
    while (reader.next()) {
      if (reader.field === RESOURCE) this.#addFields(OF_RESOURCE, reader.valueStart, reader.at);
    }
    const { low, high } = this.#hash;
    reader.enter(this.#bytes, start, end);
    while (reader.next()) {
      if (reader.field === SCOPES) this.#walkScope(reader.valueStart, reader.at, low, high);
    }
  }

  #walkScope(start: number, end: number, outerLow: number, outerHigh: number): void {
    const reader = this.#scope;
    this.#hash.begin(outerLow, outerHigh);
    reader.enter(this.#bytes, start, end);
    while (reader.next()) {
      if (reader.field === SCOPE) this.#addFields(OF_SCOPE, reader.valueStart, reader.at);
    }
    const { low, high } = this.#hash;
    reader.enter(this.#bytes, start, end);
    while (reader.next()) {
      if (reader.field === METRICS) this.#walkMetric(reader.valueStart, reader.at, low, high);
    }
  }

  #walkMetric(start: number, end: number, outerLow: number, outerHigh: number): void {
    const bytes = this.#bytes;
    const hash = this.#hash;
    const reader = this.#metric;
    hash.begin(outerLow, outerHigh);
    reader.enter(bytes, start, end);
    while (reader.next()) {
      if (reader.field === NAME) hash.add(OF_NAME, bytes, reader.valueStart, reader.at);
      else if (reader.field === UNIT) hash.add(OF_UNIT, bytes, reader.valueStart, reader.at);
    }
    const { low, high } = hash;
    reader.enter(bytes, start, end);
    while (reader.next()) {
      if (!DATA_FIELDS.has(reader.field)) continue;
      hash.begin(low, high);
      hash.add(OF_KIND, bytes, reader.fieldStart, reader.fieldStart + 1);
      this.#walkPoints(reader.field, reader.valueStart, reader.at, hash.low, hash.high);
    }
  }

  #walkPoints(dataField: number, start: number, end: number, outerLow: number, outerHigh: number): void {
    const bytes = this.#bytes;
    const hash = this.#hash;
    const data = this.#data;
    const reader = this.#point;
    const attributes = attributesField(dataField);
    data.enter(bytes, start, end);
    while (data.next()) {
      if (data.field !== POINTS) continue;
      hash.begin(outerLow, outerHigh);
      reader.enter(bytes, data.valueStart, data.at);
      while (reader.next()) {
        if (reader.field === attributes) hash.add(OF_POINT, bytes, reader.valueStart, reader.at);
      }
      if (!this.#known.add(hash.low, hash.high, this.#limit)) this.#beyond.push(this.#points);
      this.#points++;
    }
  }

  /** All fields of a message, tags included. */
  #addFields(role: number, start: number, end: number): void {
    const reader = this.#point;
    reader.enter(this.#bytes, start, end);
    while (reader.next()) this.#hash.add(role, this.#bytes, reader.fieldStart, reader.at);
  }

  #leave(): void {
    this.#bytes = new Uint8Array();
    const readers = [this.#request, this.#entry, this.#scope, this.#metric, this.#data, this.#point];
    for (const reader of readers) reader.leave();
  }
}

const WALK = new StreamWalk();
