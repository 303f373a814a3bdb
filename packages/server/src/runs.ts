import {
  type AddRunEventsRequest,
  type CallContext,
  type Emit,
  type EventInput,
  type Level,
  microTimestamp,
  newRunId,
  newSpanId,
  type RunEventInput,
  type RunInfo,
  type StartRunRequest,
} from "@sandglass/protocol";

/** Runs known without asking the record; the oldest are forgotten first. */
const MAX_KNOWN = 10_000;

/** Where a run is in its trace. */
interface RunPlace {
  traceId: string;
  spanId: string;
  parentSpanId: string;
}

/** Finds a run in the record, e.g. one opened before the daemon was restarted. */
type FindRun = (runId: string, orgId: string) => Promise<RunPlace | undefined>;

/** Whether a sandbox is alive and of this organisation: nobody else may write into its record. */
type OwnsSandbox = (sandboxId: string, orgId: string) => boolean;

/** What happened at a moment, not over a time: it stands on the run's own span. */
const POINTS: ReadonlySet<string> = new Set(["agent.thinking", "agent.error", "cost.llm"]);

/** Agent runs: opening one, and what its agent says about itself. */
export class Runs {
  readonly #emit: Emit;
  readonly #findRun: FindRun;
  readonly #ownsSandbox: OwnsSandbox;
  /** By organisation and run. */
  readonly #known = new Map<string, RunPlace>();

  constructor(emit: Emit, findRun: FindRun, ownsSandbox: OwnsSandbox) {
    this.#ownsSandbox = ownsSandbox;
    this.#emit = emit;
    this.#findRun = findRun;
  }

  /** Opens a run in the caller's trace. Its span stays open until `run.completed`. */
  async start(request: StartRunRequest, context: CallContext): Promise<RunInfo> {
    const runId = newRunId();
    const place = { traceId: context.traceId, spanId: newSpanId(), parentSpanId: context.parentSpanId };
    const { name, agent, metadata } = request;
    const startedAt = microTimestamp();
    await this.#emit({
      type: "run.started",
      level: "info",
      orgId: context.orgId,
      sandboxId: "",
      runId,
      ...place,
      timestamp: startedAt,
      data: { name, ...(agent !== undefined && { agent }), ...(metadata !== undefined && { metadata }) },
    });
    this.#remember(context.orgId, runId, place);
    return { runId, name, traceId: place.traceId, spanId: place.spanId, startedAt };
  }

  /**
   * Adds a run's own events. A run that nobody opened here (a framework's own id) is taken as well: its events are in the caller's
   * trace then.
   *
   * @throws SandglassError LOG_UNAVAILABLE
   */
  async addEvents(runId: string, { events }: AddRunEventsRequest, context: CallContext): Promise<void> {
    const { orgId } = context;
    const run = this.#known.get(`${orgId} ${runId}`) ?? (await this.#findRun(runId, orgId));
    if (run !== undefined) this.#remember(orgId, runId, run);
    const { traceId, spanId, parentSpanId } = run ?? {
      traceId: context.traceId,
      spanId: context.parentSpanId,
      parentSpanId: "",
    };
    const parentOf = (isElsewhere: boolean, isOnRun: boolean): string => {
      if (isElsewhere) return "";
      return isOnRun ? parentSpanId : spanId;
    };
    const emitted = events.map((event) => {
      const isEnd = event.type === "run.completed";
      // In a trace of its caller's the run's span is no parent; its end is where its beginning is.
      const isElsewhere = event.traceId !== undefined && event.traceId !== traceId && !isEnd;
      // The end of a run is the end of its own span, a point in time stands on it; everything else has a span below it.
      const isOnRun = (isEnd || POINTS.has(event.type)) && run !== undefined && !isElsewhere;
      const about = event.sandboxId ?? "";
      return this.#emit({
        type: event.type,
        data: event.data,
        level: levelOf(event),
        orgId,
        runId,
        sandboxId: about !== "" && this.#ownsSandbox(about, orgId) ? about : "",
        traceId: isElsewhere ? event.traceId : traceId,
        spanId: event.spanId ?? (isOnRun ? spanId : newSpanId()),
        parentSpanId: event.parentSpanId ?? parentOf(isElsewhere, isOnRun),
        ...(event.timestamp !== undefined && { timestamp: event.timestamp }),
        // The union of types cannot follow that type and data come from one event.
      } as EventInput);
    });
    await Promise.all(emitted);
  }

  /** It was deleted: who adds to it now adds to another of its name. */
  forget(runId: string, orgId: string): void {
    this.#known.delete(`${orgId} ${runId}`);
  }

  #remember(orgId: string, runId: string, place: RunPlace): void {
    const key = `${orgId} ${runId}`;
    this.#known.delete(key);
    this.#known.set(key, place);
    const oldest = this.#known.keys().next();
    if (this.#known.size > MAX_KNOWN && oldest.done !== true) this.#known.delete(oldest.value);
  }
}

function levelOf(event: RunEventInput): Level {
  switch (event.type) {
    case "agent.error":
      return "error";
    case "agent.thinking":
      return "debug";
    case "agent.completed":
    case "run.completed":
      return event.data.status === "error" ? "error" : "info";
    default:
      return "info";
  }
}
