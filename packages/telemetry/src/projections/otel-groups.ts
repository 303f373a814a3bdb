import type { RuntimeEvent } from "@sandglass/protocol";
import { RESOURCE_ATTRIBUTES, writeKeyValues } from "../otlp/encode-common.ts";
import type { KeyValue } from "../otlp/model.ts";
import { ProtoWriter } from "../otlp/proto-writer.ts";
import { LEN, tag } from "../otlp/wire.ts";
import { WriterPool } from "../otlp/writer-pool.ts";
import { type EventScan, SLOT } from "../scan/event-scan.ts";
import type { CompiledScan } from "./compiled/compiled-scan.ts";
import type { OtelEventScan } from "./otel-event-scan.ts";
import type { KnownSandboxes } from "./otel-memory.ts";
import { RecentMap } from "./otel-recent-map.ts";
import { eventResource } from "./otel-resource.ts";

/** The same in requests of every signal. */
const RESOURCE = tag(1, LEN);
const MAX_KNOWN = 2000;
/** A power of two. */
const PLACES = 64;

/** What is told of one sandbox, organisation and run in one batch. */
export interface Group {
  /** The three of them, as they stand in an event. */
  readonly identity: Buffer;
  /** The field `resource`, with its tag. */
  readonly resource: Uint8Array;
  readonly spans: ProtoWriter;
  readonly logRecords: ProtoWriter;
}

/** Finds the group of an event by the bytes of what it is about. Keeps encoded resources, and the writers' memory, for later batches. */
export class OtelGroups {
  readonly #service: Uint8Array;
  readonly #sandboxes: KnownSandboxes;
  readonly #resources = new RecentMap<{ bytes: Uint8Array; template: string | undefined }>(MAX_KNOWN);
  readonly #pool = new WriterPool();
  readonly #groups = new Map<string, Group>();
  /** Of this batch, each in a place by the end of its sandbox's id: most events are of one that is there. */
  readonly #last: (Group | undefined)[] = new Array(PLACES).fill(undefined);

  /** Of this batch, by the numbers that the compiled scan gives them. */
  readonly #numbered: (Group | undefined)[] = [];
  readonly #compiled: CompiledScan | undefined;

  /**
   * @param service attributes of what sends (`serviceResource`)
   * @param compiled what the events are scanned by, if there is one
   */
  constructor(service: readonly KeyValue[], sandboxes: KnownSandboxes, compiled: CompiledScan | undefined) {
    this.#compiled = compiled;
    const writer = new ProtoWriter();
    writeKeyValues(writer, RESOURCE_ATTRIBUTES, service);
    this.#service = writer.finish();
    this.#sandboxes = sandboxes;
  }

  /** The groups of this batch, in the order of their first events. */
  all(): Group[] {
    return [...this.#groups.values()];
  }

  /** Begins another batch: what was written is not looked at any more. */
  clear(): void {
    for (const { spans, logRecords } of this.#groups.values()) {
      this.#pool.giveBack(spans);
      this.#pool.giveBack(logRecords);
    }
    this.#groups.clear();
    this.#last.fill(undefined);
    this.#numbered.length = 0;
    this.#compiled?.core.clearIdentities();
  }

  /** The group of the event that was scanned; a new one where it is the first of its group. */
  groupOf(scan: OtelEventScan, event: RuntimeEvent): Group {
    const number = scan.compiled?.core.identity() ?? -1;
    if (number === -1) return this.#groupOf(scan, event);
    this.#numbered[number] ??= this.#groupOf(scan, event);
    return this.#numbered[number];
  }

  #groupOf({ bytes, starts, ends }: EventScan, event: RuntimeEvent): Group {
    // They stand beside each other: organisation, sandbox, run.
    const start = starts[SLOT.ORG_ID]!;
    const end = ends[SLOT.RUN_ID]!;
    const sandboxEnd = ends[SLOT.SANDBOX_ID]!;
    const place = (bytes[sandboxEnd - 1]! * 31 + bytes[sandboxEnd - 2]!) & (PLACES - 1);
    const last = this.#last[place];
    if (last !== undefined && isAt(last.identity, bytes, start, end)) return last;
    const key = bytes.toString("latin1", start, end);
    let group = this.#groups.get(key);
    if (group === undefined) {
      const identity = Buffer.from(bytes.subarray(start, end));
      const resource = this.#resourceOf(key, event);
      group = { identity, resource, spans: this.#pool.take(), logRecords: this.#pool.take() };
      this.#groups.set(key, group);
    }
    this.#last[place] = group;
    return group;
  }

  #resourceOf(key: string, event: RuntimeEvent): Uint8Array {
    const template = this.#sandboxes.sandbox(event.sandboxId)?.template;
    const known = this.#resources.get(key);
    if (known !== undefined && known.template === template) return known.bytes;
    const writer = new ProtoWriter();
    const mark = writer.begin(RESOURCE, 2);
    writer.raw(this.#service);
    writeKeyValues(writer, RESOURCE_ATTRIBUTES, eventResource(event, [], this.#sandboxes));
    writer.end(mark, 2);
    const bytes = new Uint8Array(writer.finish());
    this.#resources.set(key, { bytes, template });
    return bytes;
  }
}

function isAt(identity: Buffer, bytes: Buffer, start: number, end: number): boolean {
  const { length } = identity;
  if (end - start !== length) return false;
  for (let index = 0; index < length; index++) if (identity[index] !== bytes[start + index]) return false;
  return true;
}
