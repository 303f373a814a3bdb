import type { RuntimeEvent } from "@sandglass/protocol";
import type { LogEvent } from "../delivery/log-event.ts";
import { BodyPool } from "../otlp/body-pool.ts";
import { writeScope } from "../otlp/encode-common.ts";
import { encodeGrouped } from "../otlp/encode-grouped.ts";
import type { KeyValue, Scope } from "../otlp/model.ts";
import { ProtoWriter } from "../otlp/proto-writer.ts";
import { LEN, tag } from "../otlp/wire.ts";
import { ScannedEvent } from "../scan/scanned-event.ts";
import { CompiledScan } from "./compiled/compiled-scan.ts";
import type { Wanted } from "./otel-batch.ts";
import { OtelEventScan } from "./otel-event-scan.ts";
import { type Group, OtelGroups } from "./otel-groups.ts";
import { writeException, writeLogRecord } from "./otel-log-writer.ts";
import { type KnownSandboxes, OtelMemory } from "./otel-memory.ts";
import { writeSpan } from "./otel-span-writer.ts";

/** The same in requests of every signal. */
const SCOPE = tag(1, LEN);
/** What is between events of the log, about. */
const FRAME_BYTES = 20;

/** Requests of protobuf; undefined of a signal that nothing is told of by. */
export interface WrittenBatch {
  readonly traces: Buffer | undefined;
  readonly logs: Buffer | undefined;
  readonly spanCount: number;
  readonly logCount: number;
  /** Records that are no events, by their index in the batch: nothing is told of them. */
  readonly unreadable: readonly number[];
}

/**
 * Does what `projectBatch` and the encoding of its outcome do, straight from the JSON in the log: no event is parsed, and no span is an
 * object on its way. Its tests hold it to the other.
 */
export class OtelBatchWriter {
  readonly #scope: Uint8Array;
  readonly #compiled: CompiledScan | undefined;
  readonly #scanned: ScannedEvent<OtelEventScan>;
  readonly #memory: OtelMemory<Uint8Array>;
  readonly #groups: OtelGroups;
  readonly #bodies = new BodyPool();

  /**
   * @param service attributes of what sends (`serviceResource`)
   * @param isCompiled whether most events are scanned in WebAssembly, where the engine has it; false for tests of the other
   */
  constructor({ service, scope }: { service: readonly KeyValue[]; scope: Scope }, isCompiled = true) {
    const compiled = isCompiled ? CompiledScan.create() : undefined;
    this.#compiled = compiled;
    this.#scanned = new ScannedEvent((names) => new OtelEventScan(names, compiled));
    const writer = new ProtoWriter();
    writeScope(writer, SCOPE, scope);
    this.#scope = writer.finish();
    // Of the event that is being looked at.
    this.#memory = new OtelMemory(() => this.#scanned.scan.attributes.unmarked());
    this.#groups = new OtelGroups(service, this.#memory, compiled);
  }

  get sandboxes(): KnownSandboxes {
    return this.#memory;
  }

  /**
   * @param events in the order of the log
   * @param wanted of the event at this index
   * @param observe told of every event; what it is given can be read by the names of its fields, and only then
   */
  write(
    events: readonly LogEvent[],
    wanted: (index: number) => Wanted,
    observe: (event: RuntimeEvent, index: number) => void,
  ): WrittenBatch {
    const scanned = this.#scanned;
    const unreadable: number[] = [];
    let spanCount = 0;
    let logCount = 0;
    let rest = 0;
    for (const event of events) rest += event.sizeBytes + FRAME_BYTES;
    for (let index = 0; index < events.length; index++) {
      const record = events[index]!;
      scanned.scan.ahead = rest;
      rest -= record.sizeBytes + FRAME_BYTES;
      if (!scanned.read(record)) {
        unreadable.push(index);
        continue;
      }
      const { event } = scanned;
      if (scanned.scan.plan.isRemembered) this.#memory.observe(event);
      observe(event, index);
      const { traces, logs } = wanted(index);
      if (!traces && !logs) continue;
      const group = this.#groups.groupOf(scanned.scan, event);
      if (traces && writeSpan(group.spans, scanned, this.#memory)) spanCount++;
      if (logs) {
        if (writeException(group.logRecords, event)) logCount++;
        writeLogRecord(group.logRecords, scanned);
        logCount++;
      }
    }
    const traces = spanCount === 0 ? undefined : this.#request(({ spans }) => spans);
    const logs = logCount === 0 ? undefined : this.#request(({ logRecords }) => logRecords);
    this.#groups.clear();
    this.#compiled?.unload();
    return { traces, logs, spanCount, logCount, unreadable };
  }

  /** A request that was written is done with: its memory becomes another's. */
  release(request: Uint8Array): void {
    this.#bodies.giveBack(request);
  }

  #request(writerOf: (group: Group) => ProtoWriter): Buffer {
    const encoded = this.#groups
      .all()
      .map((group) => ({ resource: group.resource, items: writerOf(group).finish() }));
    return encodeGrouped(
      encoded.filter(({ items }) => items.length > 0),
      this.#scope,
      (bytes) => this.#bodies.take(bytes),
    );
  }
}
