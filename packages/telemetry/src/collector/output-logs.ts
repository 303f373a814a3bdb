import { encodeOutputLines } from "./encode-output-lines.ts";
import type { OutputLines } from "./output-lines.ts";
import type { TelemetryHead } from "./telemetry-record.ts";

/** Of one sandbox, and of all, on their way into the log while the collector's process is away or slow. */
const MAX_SANDBOX_BYTES = 4 * 1024 * 1024;
const MAX_BYTES = 32 * 1024 * 1024;

export interface OutputLogsParts {
  /** Resolves when they are in the log. */
  append(records: { head: TelemetryHead; body: Uint8Array }[]): Promise<void>;
  /** Where the owner of a sandbox wants its telemetry; "" where that was not said. */
  destinationOf(sandboxId: string): string;
  onProblem(message: string, error: unknown): void;
}

/** Of all sandboxes, since the daemon began. */
export interface OutputLineCounts {
  /** Lines that are log records in the log of telemetry. */
  readonly told: number;
  /** Lines that are none: beyond what a sandbox may tell, or without room on their way. */
  readonly leftOut: number;
}

interface OnTheWay {
  bytes: number;
  readonly appends: Set<Promise<void>>;
  /** What there was no room for: the last of it, without its lines, and how much in all. */
  missed: OutputLines | undefined;
}

/**
 * Appends lines that execs wrote to the log of telemetry, as log records beside what their sandboxes send. Nobody waits for it: what
 * there is no room for is counted, and that is told as soon as there is room again.
 */
export class OutputLogs {
  readonly #parts: OutputLogsParts;
  readonly #sandboxes = new Map<string, OnTheWay>();
  #bytes = 0;
  #hasFailed = false;
  #told = 0;
  #leftOut = 0;

  constructor(parts: OutputLogsParts) {
    this.#parts = parts;
  }

  get counts(): OutputLineCounts {
    return { told: this.#told, leftOut: this.#leftOut };
  }

  add(batch: OutputLines): void {
    const { sandboxId, leftOut } = batch;
    this.#leftOut += leftOut?.lines ?? 0;
    let way = this.#sandboxes.get(sandboxId);
    if (way === undefined) {
      way = { bytes: 0, appends: new Set(), missed: undefined };
      this.#sandboxes.set(sandboxId, way);
    }
    const body = encodeOutputLines(batch);
    const hasRoom = way.bytes + body.length <= MAX_SANDBOX_BYTES && this.#bytes + body.length <= MAX_BYTES;
    if (hasRoom) this.#send(way, batch, body);
    else this.#miss(way, batch);
  }

  /** For a sandbox that is over: resolves when everything of it is in the log, or given up. Never rejects. */
  async settled(sandboxId: string): Promise<void> {
    const way = this.#sandboxes.get(sandboxId);
    if (way === undefined) return;
    while (way.appends.size > 0) await Promise.all(way.appends);
    // Once more: nothing will come that it could be told of with.
    this.#tellMissed(way);
    await Promise.all(way.appends);
    this.#sandboxes.delete(sandboxId);
  }

  #send(way: OnTheWay, batch: OutputLines, body: Buffer): void {
    const { orgId, sandboxId, runId, lines, leftOut } = batch;
    const head: TelemetryHead = {
      signal: "logs",
      origin: "host",
      receivedAt: Date.now(),
      items: lines.length + (leftOut === undefined ? 0 : 1),
      orgId,
      sandboxId,
      runId,
      destinationId: this.#parts.destinationOf(sandboxId),
      isForwardOnly: false,
    };
    way.bytes += body.length;
    this.#bytes += body.length;
    const appended = this.#append(way, batch, { head, body }).finally(() => way.appends.delete(appended));
    way.appends.add(appended);
  }

  async #append(
    way: OnTheWay,
    batch: OutputLines,
    record: { head: TelemetryHead; body: Buffer },
  ): Promise<void> {
    try {
      await this.#parts.append([record]);
      this.#hasFailed = false;
      this.#told += batch.lines.length;
    } catch (error) {
      // Once: a log without room refuses ten times a second.
      if (!this.#hasFailed) this.#parts.onProblem("lines of output could not be kept as telemetry", error);
      this.#hasFailed = true;
      this.#miss(way, batch);
      return;
    } finally {
      way.bytes -= record.body.length;
      this.#bytes -= record.body.length;
    }
    this.#tellMissed(way);
  }

  #tellMissed(way: OnTheWay): void {
    const { missed } = way;
    way.missed = undefined;
    if (missed !== undefined) this.#send(way, missed, encodeOutputLines(missed));
  }

  /** Counts a batch among what is left out. */
  #miss(way: OnTheWay, { lines, leftOut, ...head }: OutputLines): void {
    this.#leftOut += lines.length;
    const before = way.missed?.leftOut;
    const sizes = lines.map(({ text, cutFromBytes }) => (cutFromBytes ?? Buffer.byteLength(text)) + 1);
    way.missed = {
      ...head,
      lines: [],
      leftOut: {
        lines: lines.length + (leftOut?.lines ?? 0) + (before?.lines ?? 0),
        bytes: sizes.reduce((sum, size) => sum + size, 0) + (leftOut?.bytes ?? 0) + (before?.bytes ?? 0),
        timeMicros: leftOut?.timeMicros ?? lines.at(-1)?.timeMicros ?? 0,
      },
    };
  }
}
