/** A record and its delivery in a process of their own: the subject of all parts about delivery. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ExporterInfo } from "@sandglass/protocol";
import { Delivery, type ExporterOptions, ExporterRegistry, Recorder } from "@sandglass/telemetry";
import { answerCalls } from "../measure/answer-calls.ts";
import { type Effort, effortOf } from "../measure/effort.ts";
import { Subject } from "../measure/subject.ts";
import { emitAtPace } from "./emit-at-pace.ts";
import { execEvents } from "./exec-events.ts";

/** As `bin/sandglass` starts the daemon. */
const DAEMON_FLAGS = ["--max-semi-space-size=8"];
/** How many emits are waited for together; what many requests at a time come to. */
const EMIT_BATCH = 1000;
const TRICKLE_BATCH = 100;
const TRICKLE_EVERY_MS = 2;
const FLUSH_MS = 600_000;

/** What became of events that were delivered while they were looked at. */
export interface Delivered extends Effort {
  /** What the delivery says; the destination is to be asked too. */
  delivered: number;
  dropped: number;
  pending: number;
}

/** Each call of it is one of the methods of {@link Host} in the other process. */
export class Ours implements AsyncDisposable {
  readonly #subject: Subject;

  private constructor(subject: Subject) {
    this.#subject = subject;
  }

  static async start(exporters: readonly ExporterOptions[], core?: number): Promise<Ours> {
    const subject = await Subject.start(new URL(import.meta.url), core, DAEMON_FLAGS);
    await subject.call("open", exporters);
    return new Ours(subject);
  }

  get pid(): number {
    return this.#subject.pid;
  }

  /** Emits events, as fast as they come. */
  fill(events: number): Promise<void> {
    return this.#subject.call("fill", events);
  }

  /** Emits events, 100 at once every 2 ms: more than any host has to say, and less at once than in `fill`. */
  trickle(events: number): Promise<void> {
    return this.#subject.call("trickle", events);
  }

  /** Delivers what is in the log, and stops delivering. */
  drain(): Promise<Delivered> {
    return this.#subject.call("drain");
  }

  /** Emits events, and is over when they are delivered. */
  through(events: number): Promise<Delivered> {
    return this.#subject.call("through", events);
  }

  /** The same, all in one turn of the event loop. */
  burst(events: number): Promise<Delivered> {
    return this.#subject.call("burst", events);
  }

  attach(): Promise<void> {
    return this.#subject.call("attach");
  }

  detach(): Promise<void> {
    return this.#subject.call("detach");
  }

  /** @param ids default all */
  flush(ids?: readonly string[]): Promise<Delivered> {
    return this.#subject.call("flush", ids);
  }

  /** What single emits took, milliseconds. @param everyMs slept before each; 0 is as fast as they come, one at a time */
  emitAtPace(events: number, everyMs: number): Promise<number[]> {
    return this.#subject.call("emitAtPace", { events, everyMs });
  }

  list(): Promise<ExporterInfo[]> {
    return this.#subject.call("list");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#subject[Symbol.asyncDispose]();
  }
}

class Host {
  readonly #dir = mkdtempSync(join(process.env.SANDGLASS_BENCH_DIR ?? tmpdir(), "sandglass-bench-"));
  #exporters: readonly ExporterOptions[] = [];
  #recorder: Recorder | undefined;
  #delivery: Delivery | undefined;
  /** When it was looked at last; exporters that come back count on. */
  #delivered = 0;

  async open(exporters: readonly ExporterOptions[]): Promise<void> {
    this.#exporters = exporters;
    this.#recorder = await Recorder.open({ dataDir: this.#dir });
    this.#delivery = await Delivery.open({
      recorder: this.#recorder,
      dataDir: this.#dir,
      registry: ExporterRegistry.builtIn(),
      onProblem: (message, error) => console.error(message, error),
    });
  }

  async attach(): Promise<void> {
    // One that comes back goes on where it was.
    await this.#delivery!.configure(
      this.#exporters.map((exporter) => ({ startAt: "earliest", ...exporter })),
    );
  }

  async detach(): Promise<void> {
    await this.#delivery!.configure([]);
  }

  async fill(count: number): Promise<void> {
    const { emit } = this.#recorder!;
    for (let at = 0; at < count; at += EMIT_BATCH) {
      await Promise.all(execEvents(Math.min(EMIT_BATCH, count - at)).map(emit));
    }
  }

  async trickle(count: number): Promise<void> {
    const { emit } = this.#recorder!;
    for (let at = 0; at < count; at += TRICKLE_BATCH) {
      await Promise.all(execEvents(Math.min(TRICKLE_BATCH, count - at)).map(emit));
      await delay(TRICKLE_EVERY_MS);
    }
  }

  async drain(): Promise<Delivered> {
    const result = await this.flush(undefined, () => this.attach());
    await this.detach();
    return result;
  }

  async through(count: number): Promise<Delivered> {
    const { emit } = this.#recorder!;
    const events = execEvents(count);
    return this.flush(undefined, async () => {
      for (let at = 0; at < count; at += EMIT_BATCH) {
        await Promise.all(events.slice(at, at + EMIT_BATCH).map(emit));
      }
    });
  }

  async burst(count: number): Promise<Delivered> {
    const { emit } = this.#recorder!;
    const events = execEvents(count);
    return this.flush(undefined, async () => {
      await Promise.all(events.map(emit));
    });
  }

  /** @param before what is measured with it */
  async flush(
    ids?: readonly string[],
    before: () => Promise<void> = async () => undefined,
  ): Promise<Delivered> {
    let result = { delivered: 0, dropped: 0, pending: 0 };
    const effort = await effortOf(async () => {
      await before();
      result = await this.#delivery!.flush({ timeoutMs: FLUSH_MS, ...(ids && { ids }) });
    });
    // Its own count begins with the flush.
    const total = this.#delivery!.list().reduce((sum, { counts }) => sum + counts.delivered, 0);
    const delivered = total - this.#delivered;
    this.#delivered = total;
    return { ...effort, ...result, delivered };
  }

  emitAtPace(events: number, everyMs: number): Promise<number[]> {
    return emitAtPace(this.#recorder!.emit, events, everyMs);
  }

  list(): ExporterInfo[] {
    return this.#delivery!.list();
  }

  async close(): Promise<void> {
    await this.#delivery?.shutdown(0);
    await this.#recorder?.close();
    rmSync(this.#dir, { recursive: true });
  }
}

if (import.meta.main) {
  const host = new Host();
  answerCalls(
    {
      open: (exporters: ExporterOptions[]) => host.open(exporters),
      attach: () => host.attach(),
      detach: () => host.detach(),
      fill: (events: number) => host.fill(events),
      trickle: (events: number) => host.trickle(events),
      drain: () => host.drain(),
      through: (events: number) => host.through(events),
      burst: (events: number) => host.burst(events),
      flush: (ids: string[] | null) => host.flush(ids ?? undefined),
      emitAtPace: ({ events, everyMs }: { events: number; everyMs: number }) =>
        host.emitAtPace(events, everyMs),
      list: () => host.list(),
    },
    () => host.close(),
  );
}
