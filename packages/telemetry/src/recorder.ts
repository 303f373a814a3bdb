import { join } from "node:path";
import {
  type Emit,
  type EventInput,
  type ExecInfo,
  microTimestamp,
  newEventId,
  type RuntimeEvent,
  type SandboxInfo,
  type TraceInfo,
} from "@sandglass/protocol";
import { DurableLog } from "./log/durable-log.ts";
import type { Durability, LogProblem, LogStats } from "./log/log-options.ts";
import type { Retention } from "./log/retention.ts";
import type { Erased } from "./log/rewrite-segment.ts";
import { CheckpointFile } from "./record/checkpoint.ts";
import { Checkpointer } from "./record/checkpointer.ts";
import { erasablePositions } from "./record/erasable-positions.ts";
import type { Erasure } from "./record/erasure.ts";
import { OpenWork, type Recovery } from "./record/open-work.ts";
import { PendingEvents } from "./record/pending-events.ts";
import { findExec, findExecs, findSandbox, findTrace } from "./record/record-lookup.ts";
import { type RecordLine, type RecordQuery, readRecord } from "./record/record-query.ts";
import { replay } from "./record/replay.ts";
import { type RunExtent, runExtent } from "./record/run-extent.ts";
import { type Subscriber, Subscribers } from "./record/subscribers.ts";

export interface RecorderOptions {
  /** Absolute. The recorder owns `log/` and `state/` below it. */
  dataDir: string;
  /** When an emit resolves; default "process". */
  durability?: Durability | undefined;
  /** Default: everything is kept. */
  retention?: Retention | undefined;
  /** False takes events and keeps none, for measuring what recording costs. Default true. */
  enabled?: boolean | undefined;
  /** See `DurableLog`; for tests. */
  segmentBytes?: number | undefined;
  /** What the log survived and someone should know; must not throw. */
  onProblem?: ((problem: LogProblem) => void) | undefined;
}

export interface RecorderStats extends LogStats {
  openSandboxes: number;
  /** Times that a subscriber threw; healthy is 0. */
  subscriberErrors: number;
  /** Checkpoints that could not be written; healthy is 0. */
  checkpointErrors: number;
}

/** Committed events that are kept to be followed up together, where the event loop gets no turn. */
const MAX_UNTOLD = 256;

/** How the log took the last events. */
interface Intake {
  failure?: Error | undefined;
  refusal?: Error | undefined;
}

/**
 * The record: takes events, numbers them, commits them to the durable log, and answers what is asked of them.
 *
 * @example
 * const recorder = await Recorder.open({ dataDir: "/var/lib/sandglass" });
 * await recorder.emit({ type: "sandbox.created", … });
 * for await (const { cursor, event } of recorder.read({ sandboxId, follow: true, signal })) { … }
 */
export class Recorder {
  /** What the last daemon left: torn bytes, and sandboxes and execs without an ending. */
  readonly recovery: Recovery;
  /** What the events are in; for readers of it such as exporters. It is the recorder's to append to and to close. */
  readonly log: DurableLog;
  readonly #work: OpenWork;
  readonly #pending: PendingEvents;
  readonly #subscribers = new Subscribers();
  readonly #checkpointer: Checkpointer;
  readonly #isEnabled: boolean;
  readonly #intake: Intake;
  /** Committed, and neither in `#work` nor told of. */
  #untold = 0;
  #closing: Promise<void> | undefined;

  /**
   * Opens the log and reads it from the last checkpoint on. Throws LOG_UNAVAILABLE where another process has the directory
   * (naming its pid) or a newer release wrote it; damage is skipped and counted in {@link Recorder.recovery}.
   */
  static async open(options: RecorderOptions): Promise<Recorder> {
    const pending = new PendingEvents();
    const work = new OpenWork();
    let commit: ((count: number) => void) | undefined;
    const { durability, retention, segmentBytes, onProblem } = options;
    const intake: Intake = {};
    const log = await DurableLog.open({
      dir: join(options.dataDir, "log"),
      ...(durability && { durability }),
      ...(retention && { retention }),
      ...(segmentBytes !== undefined && { segmentBytes }),
      onProblem: (problem) => {
        if (problem.kind === "write_failed" || problem.kind === "sync_failed") intake.failure = problem.error;
        onProblem?.(problem);
      },
      onCommit: (_first, count) => {
        intake.refusal = undefined;
        commit?.(count);
      },
      onDrop: (_first, count) => {
        intake.refusal = intake.failure;
        for (const event of pending.takeRefused(count)) work.unassign(event);
      },
    });
    try {
      const file = new CheckpointFile(options.dataDir);
      const savedPosition = await replay(log, file, work);
      const checkpointer = new Checkpointer(file, work, log.lastPosition, savedPosition);
      const recorder = new Recorder(log, work, pending, checkpointer, options.enabled ?? true, intake);
      commit = (count) => recorder.#commit(count);
      return recorder;
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  private constructor(
    log: DurableLog,
    work: OpenWork,
    pending: PendingEvents,
    checkpointer: Checkpointer,
    isEnabled: boolean,
    intake: Intake,
  ) {
    this.log = log;
    this.#work = work;
    this.#pending = pending;
    this.#checkpointer = checkpointer;
    this.#isEnabled = isEnabled;
    this.#intake = intake;
    // A picture of now: the endings that are written next change the original.
    this.recovery = { ...log.recovery, openSandboxes: structuredClone(work.lostSandboxes()) };
  }

  /** Why the last events were refused; undefined since the log took some. */
  get refusal(): Error | undefined {
    return this.#intake.refusal;
  }

  /**
   * Gives an event its id, its number and (unless it has one) its time, and resolves when it is committed. Rejects with
   * LOG_UNAVAILABLE where that is impossible: the event is not in the record then, and its number goes to the next. May be
   * passed on without its recorder.
   */
  readonly emit: Emit = (input) => {
    if (!this.#isEnabled) return Promise.resolve();
    try {
      return this.#append(input);
    } catch (error) {
      return Promise.reject(error);
    }
  };

  /**
   * Events in the order of the log. Throws INVALID_CURSOR, and INVALID_REQUEST for a filter that can match nothing.
   * Lines say where events are missing (`gap`), if any were removed before they were read, or cannot be read.
   */
  read(query: RecordQuery = {}): AsyncGenerator<RecordLine, void, undefined> {
    return readRecord(this.log, query);
  }

  /** Execs of a sandbox in the order they began, also after it is gone. Those that have no ending read "running". */
  listExecs(sandboxId: string, orgId: string): Promise<ExecInfo[]> {
    return findExecs(this.log, sandboxId, orgId);
  }

  /** Undefined where the record has no such exec of that sandbox in the organisation. */
  getExec(sandboxId: string, execId: string, orgId: string): Promise<ExecInfo | undefined> {
    return findExec(this.log, sandboxId, execId, orgId);
  }

  /** A sandbox as the record tells (see `SandboxProjection` for what it does not). Undefined where it has none. */
  getSandbox(sandboxId: string, orgId: string): Promise<SandboxInfo | undefined> {
    return findSandbox(this.log, sandboxId, orgId);
  }

  /** One trace as far as the organisation sees it (absent: all of it). Undefined where nothing of it is in the record. */
  getTrace(traceId: string, orgId?: string): Promise<TraceInfo | undefined> {
    return findTrace(this.log, traceId, orgId);
  }

  /** Where a run is in its trace; undefined for one that was not opened here. */
  async findRun(
    runId: string,
    orgId: string,
  ): Promise<Pick<RuntimeEvent, "traceId" | "spanId" | "parentSpanId"> | undefined> {
    const started = this.read({ filter: { types: ["run.started"] }, runId, orgId, limit: 1 });
    for await (const { event } of started) {
      if (event === undefined) continue;
      const { traceId, spanId, parentSpanId } = event;
      return { traceId, spanId, parentSpanId };
    }
    return undefined;
  }

  /** What a run is made of, and whether it is over. */
  runExtent(runId: string, orgId: string): Promise<RunExtent> {
    return runExtent(this.log, runId, orgId);
  }

  /**
   * Deletes every event of these sandboxes and of this run. Resolves when nothing of them is in the log's files and that is on disk; what
   * is recorded of them later is not. Throws what the file system throws; then it can be tried again.
   */
  async erase(erasure: Erasure): Promise<Erased> {
    const notes = await erasablePositions(this.log, erasure);
    this.#followUp();
    // It may hold what an exec ran that was open then. And the numbers that were given must be known without the events.
    await this.#checkpointer.save();
    return this.log.erase(notes);
  }

  /**
   * Tells `subscriber` of every event from now on, once it is committed, in the same turn of the event loop: behind who waits for
   * the emit. It must be quick; what it throws is caught and counted. Returns what ends it.
   */
  subscribe(subscriber: Subscriber): () => void {
    return this.#subscribers.add(subscriber);
  }

  stats(): RecorderStats {
    this.#followUp();
    return {
      ...this.log.stats(),
      openSandboxes: this.#work.openCount,
      subscriberErrors: this.#subscribers.errors,
      checkpointErrors: this.#checkpointer.errors,
    };
  }

  /** Commits and syncs what was emitted, lets followers read to the end, writes a checkpoint. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.log.flush();
    this.#followUp();
    await this.#checkpointer.close();
    await this.log.close();
  }

  #append(input: EventInput): Promise<void> {
    const { timestamp = microTimestamp(), sandboxId } = input;
    const seq = this.#work.nextSeq(sandboxId);
    const event = {
      id: newEventId(),
      seq,
      timestamp,
      type: input.type,
      level: input.level,
      orgId: input.orgId,
      sandboxId,
      runId: input.runId,
      traceId: input.traceId,
      spanId: input.spanId,
      parentSpanId: input.parentSpanId,
      data: input.data,
      // The union cannot follow that type and data come from one input.
    } as RuntimeEvent;
    const committed = this.log.enqueue(JSON.stringify(event));
    this.#work.assign(sandboxId, seq);
    this.#pending.push(event);
    return committed;
  }

  /** Whoever waits for the emit goes on first: an exec is sent to its sandbox before it is counted. */
  #commit(count: number): void {
    if (this.#untold === 0) setImmediate(() => this.#followUp());
    this.#untold += count;
    if (this.#untold >= MAX_UNTOLD) this.#followUp();
  }

  #followUp(): void {
    while (this.#untold > 0) {
      this.#untold--;
      const event = this.#pending.takeOldest();
      this.#work.commit(event);
      this.#subscribers.tell(event);
    }
    this.#checkpointer.advance(this.log.lastPosition);
  }
}
