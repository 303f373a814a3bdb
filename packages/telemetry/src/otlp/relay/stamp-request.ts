import type { Signal } from "../model.ts";
import { LEN, tag } from "../wire.ts";
import { ByteRanges } from "./byte-ranges.ts";
import type { CompiledChecker } from "./compiled/compiled-checker.ts";
import { ContentChecker } from "./content-checker.ts";
import { ItemCounter } from "./count-items.ts";
import { FieldReader } from "./field-reader.ts";
import { OutputBuffer } from "./output-buffer.ts";
import type { ResourceStamp } from "./resource-stamp.ts";
import { ResourceScanner } from "./scan-resource.ts";
import type { StampResult } from "./stamp-result.ts";
import { varintBytes, writeVarint } from "./write-varint.ts";

// Export…ServiceRequest
const ENTRIES = 1;
const ENTRY_TAG = tag(ENTRIES, LEN);
// ResourceSpans, ResourceLogs and ResourceMetrics
const RESOURCE = 1;
const RESOURCE_TAG = tag(RESOURCE, LEN);
const SCOPES = 2;
const SCHEMA_URL = 3;

/** A tag and a length. */
const MAX_HEADER_BYTES = 6;

export interface StampOptions {
  /** Where to write to. Default: memory of its own for each request, which takes several times as long. */
  output?: OutputBuffer;
  /** Default 1000. Each is stamped, so that this bounds how much larger than what came in a request can get. */
  maxResources?: number;
  /** Spans, log records or data points in one request. Default: any number. */
  maxItems?: number;
  /**
   * Default "checked": the framing of everything is held to the schema ({@link ContentChecker} says why), at several times the
   * cost. "unchecked" is for requests from someone who is trusted.
   */
  content?: "checked" | "unchecked";
}

const DEFAULT_MAX_RESOURCES = 1000;

/**
 * Passes on an OTLP request from inside a sandbox with the host's word on whose it is: in every Resource the attributes that the
 * host owns are removed and the stamp's are put in front. A Resource that is not there is added; several in one entry, which
 * protobuf's readers merge, become one, in the place of the first. All other bytes stay as they are and in their order, fields that
 * nobody knows included. What a span, a log record or a data point says of itself is not looked at.
 *
 * A request that could mean one thing to one reader and something else to another is refused: known fields with a wrong wire
 * type, groups, tags and lengths beyond 32 bits. Linear in the size of the request.
 *
 * @param body an `Export…ServiceRequest` of that signal in protobuf, not compressed
 * @returns the request, or what is wrong with it. Nothing is thrown, whatever the bytes are.
 * @example
 * const result = stampRequest("traces", body, stamp, { maxItems: 10_000 });
 * if ("error" in result) return refuse(400, result.error.reason);
 * await log.append(result.bytes);
 */
export function stampRequest(
  signal: Signal,
  body: Uint8Array,
  stamp: ResourceStamp,
  options: StampOptions = {},
): StampResult {
  const result = STAMPER.stamp(signal, body, stamp, options);
  STAMPER.leave();
  return result;
}

/** The state of stamping one request; made once, since a request is stamped within one turn of the event loop. */
class RequestStamper {
  #signal: Signal = "traces";
  #body: Uint8Array = new Uint8Array();
  #stamp!: ResourceStamp;
  #output!: OutputBuffer;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #items = 0;
  /** Whether it counts items itself. */
  #isCounting = true;
  #problem = "";
  #problemAt = 0;
  readonly #checker = new ContentChecker();
  readonly #request = new FieldReader();
  readonly #entry = new FieldReader();
  readonly #scanner = new ResourceScanner();
  readonly #counter = new ItemCounter();
  /** What is kept of a Resource, and of an entry before and behind it. */
  readonly #attributes = new ByteRanges();
  readonly #before = new ByteRanges();
  readonly #behind = new ByteRanges();

  stamp(signal: Signal, body: Uint8Array, stamp: ResourceStamp, options: StampOptions): StampResult {
    const output = options.output ?? new OutputBuffer({ minBytes: 0 });
    const sizeBytes = body.length + stamp.attributes.length + 2 * MAX_HEADER_BYTES;
    const isChecked = options.content !== "unchecked";
    if (isChecked && options.output !== undefined) {
      const passed = this.#stampCompiled(signal, body, stamp, options, output.reserveChecked(sizeBytes));
      if (passed !== undefined) return passed;
    }
    const checker = this.#checker;
    if (isChecked && !checker.check(signal, body)) {
      return failed("malformed", checker.problem, checker.problemAt);
    }
    this.#bytes = output.reserve(sizeBytes);
    this.#isCounting = true;
    return this.#splice(signal, body, stamp, options, output);
  }

  /**
   * First spliced and then checked where it was written, by WebAssembly, which counts on the way. Undefined where that does not say yes:
   * whether it is a no, and why, is then found out in the other way.
   */
  #stampCompiled(
    signal: Signal,
    body: Uint8Array,
    stamp: ResourceStamp,
    options: StampOptions,
    compiled: CompiledChecker | undefined,
  ): StampResult | undefined {
    if (compiled === undefined) return undefined;
    this.#bytes = compiled.bytes;
    this.#isCounting = false;
    const spliced = this.#splice(signal, body, stamp, options, options.output!);
    // It outgrew that memory.
    if ("error" in spliced || this.#bytes !== compiled.bytes) return undefined;
    if (!compiled.isSound(signal, this.#at)) return undefined;
    const { items } = compiled;
    if (items > (options.maxItems ?? Number.POSITIVE_INFINITY)) return undefined;
    // What is not passed on was not looked at.
    const checker = this.#checker;
    const isRemovedSound = (start: number, end: number) => checker.checkResource(body, start, end);
    if (spliced.removed > 0 && !this.#scanner.removedRanges.every(isRemovedSound)) return undefined;
    return { ...spliced, items };
  }

  #splice(
    signal: Signal,
    body: Uint8Array,
    stamp: ResourceStamp,
    options: StampOptions,
    output: OutputBuffer,
  ): StampResult {
    const { maxResources = DEFAULT_MAX_RESOURCES, maxItems = Number.POSITIVE_INFINITY } = options;
    this.#signal = signal;
    this.#body = body;
    this.#stamp = stamp;
    this.#output = output;
    this.#at = 0;
    this.#items = 0;
    this.#scanner.begin();
    const request = this.#request;
    let resources = 0;
    request.enter(body, 0, body.length);
    while (request.next()) {
      if (request.field !== ENTRIES) {
        this.#copyField(request.fieldStart, request.at);
        continue;
      }
      if (!request.expect(LEN)) break;
      if (++resources > maxResources) {
        return failed("limit", `more than ${maxResources} resources`, request.fieldStart);
      }
      if (!this.#stampEntry(request.valueStart, request.at)) {
        return failed("malformed", this.#problem, this.#problemAt);
      }
      if (this.#items > maxItems) return failed("limit", `more than ${maxItems} items`, request.fieldStart);
    }
    if (request.problem !== undefined) return failed("malformed", request.problem, request.problemAt);
    const bytes = this.#bytes.subarray(0, this.#at);
    return { bytes, items: this.#items, resources, removed: this.#scanner.removed };
  }

  /** Lets go of the bytes. */
  leave(): void {
    this.#body = new Uint8Array();
    this.#bytes = Buffer.alloc(0);
    this.#checker.leave();
    this.#request.leave();
    this.#entry.leave();
    this.#scanner.leave();
    this.#counter.leave();
  }

  /** The `ResourceSpans`, `ResourceLogs` or `ResourceMetrics` in `body[start, end)`. */
  #stampEntry(start: number, end: number): boolean {
    const entry = this.#entry;
    let hasResource = false;
    this.#attributes.clear();
    this.#before.clear();
    this.#behind.clear();
    entry.enter(this.#body, start, end);
    while (entry.next()) {
      if (entry.field >= RESOURCE && entry.field <= SCHEMA_URL && !entry.expect(LEN)) break;
      if (entry.field === RESOURCE) {
        hasResource = true;
        if (!this.#scanResource(entry.valueStart, entry.at)) return false;
        continue;
      }
      if (this.#isCounting && entry.field === SCOPES && !this.#countItems(entry.valueStart, entry.at)) {
        return false;
      }
      (hasResource ? this.#behind : this.#before).add(entry.fieldStart, entry.at);
    }
    if (entry.problem !== undefined) return this.#refuse(entry);
    this.#writeEntry(hasResource);
    return true;
  }

  #scanResource(start: number, end: number): boolean {
    const scanner = this.#scanner;
    const isSound = scanner.scan(this.#body, start, end, this.#stamp.owned, this.#attributes);
    return isSound || this.#refuse(scanner);
  }

  #countItems(start: number, end: number): boolean {
    const items = this.#counter.count(this.#signal, this.#body, start, end);
    if (items < 0) return this.#refuse(this.#counter);
    this.#items += items;
    return true;
  }

  #refuse({ problem = "", problemAt }: { problem: string | undefined; problemAt: number }): false {
    this.#problem = problem;
    this.#problemAt = problemAt;
    return false;
  }

  #writeEntry(hasResource: boolean): void {
    const stamped = this.#stamp.attributes;
    const resourceBytes = stamped.length + this.#attributes.sizeBytes;
    const restBytes = this.#before.sizeBytes + this.#behind.sizeBytes;
    const entryBytes = 1 + varintBytes(resourceBytes) + resourceBytes + restBytes;
    const bytes = this.#reserve(MAX_HEADER_BYTES + entryBytes);
    let at = this.#at;
    bytes[at++] = ENTRY_TAG;
    at = writeVarint(entryBytes, bytes, at);
    if (hasResource) at = this.#before.copy(this.#body, bytes, at);
    bytes[at++] = RESOURCE_TAG;
    at = writeVarint(resourceBytes, bytes, at);
    bytes.set(stamped, at);
    at = this.#attributes.copy(this.#body, bytes, at + stamped.length);
    this.#at = (hasResource ? this.#behind : this.#before).copy(this.#body, bytes, at);
  }

  #copyField(start: number, end: number): void {
    this.#reserve(end - start).set(this.#body.subarray(start, end), this.#at);
    this.#at += end - start;
  }

  /** Room for that many bytes behind what is written. */
  #reserve(sizeBytes: number): Buffer {
    this.#bytes = this.#output.grow(this.#at + sizeBytes, this.#at);
    return this.#bytes;
  }
}

function failed(kind: "malformed" | "limit", reason: string, offset: number): StampResult {
  return { error: { kind, reason, offset } };
}

const STAMPER = new RequestStamper();
