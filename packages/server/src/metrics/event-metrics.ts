import type { Cause, RuntimeEvent } from "@sandglass/protocol";
import { spanName } from "@sandglass/telemetry";
import { counter, type Exemplar, type Family, histogram, type Labels, one } from "./family.ts";
import { Counter, Histogram } from "./instruments.ts";

/** Seconds. From an answer out of memory to a long exec's stream. */
const REQUEST_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
/** Seconds. From a cell in a context that is warm to a job of a quarter of an hour. */
const EXEC_BOUNDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900,
];
/** Seconds. From a sandbox of the pool to one that a loaded host boots. */
const CREATE_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const CAUSE = "sandglass.cause";
/** See `CAUSES`; shown before anything ended with them. */
const EXEC_CAUSES: readonly Cause[] = [
  "exited",
  "killed",
  "cancelled",
  "timed_out",
  "oom_killed",
  "disk_full",
  "output_limit",
  "sandbox_ended",
  "host_shutdown",
  "host_crash",
  "driver_error",
];
const SANDBOX_CAUSES: readonly Cause[] = [
  "oom_killed",
  "idle_timeout",
  "lifetime_exceeded",
  "merged",
  "user",
  "host_shutdown",
  "host_crash",
  "driver_error",
];
/** Their spans began with an event of their own. */
const ENDINGS: ReadonlySet<RuntimeEvent["type"]> = new Set([
  "exec.completed",
  "agent.tool_result",
  "agent.completed",
  "run.completed",
] as const);

/** Events that are kept to be counted together, which takes a fraction of what it takes while somebody waits for each. */
const MAX_UNCOUNTED = 256;

/** What is counted from the record, event by event: these say what it says, since the daemon's start. */
export class EventMetrics {
  readonly #execs = new Counter(byCause(EXEC_CAUSES));
  readonly #execDuration = new Histogram(EXEC_BOUNDS);
  readonly #createDuration = new Histogram(CREATE_BOUNDS);
  readonly #terminated = new Counter(byCause(SANDBOX_CAUSES));
  readonly #requests = new Counter();
  readonly #requestDuration = new Histogram(REQUEST_BOUNDS);
  readonly #egress = new Counter([{}]);
  readonly #egressBytes = new Counter(["received", "sent"].map((direction) => ({ direction })));
  readonly #denied = new Counter();
  #spans = 0;
  #uncounted: RuntimeEvent[] = [];

  count(event: RuntimeEvent): void {
    this.#uncounted.push(event);
    if (this.#uncounted.length >= MAX_UNCOUNTED) this.#countAll();
  }

  #countAll(): void {
    const events = this.#uncounted;
    this.#uncounted = [];
    for (const event of events) this.#count(event);
  }

  #count(event: RuntimeEvent): void {
    if (!ENDINGS.has(event.type) && spanName(event) !== undefined) this.#spans++;
    switch (event.type) {
      case "exec.completed": {
        const { cause, kind, language, durationMs } = event.data;
        this.#execs.add({ [CAUSE]: cause });
        // A command is in no language; one label less would be another set of labels.
        const labels = { [CAUSE]: cause, "sandglass.language": language ?? kind };
        this.#execDuration.observe(labels, durationMs / 1000, placeOf(event));
        return;
      }
      case "sandbox.created": {
        const { source, durationMs } = event.data;
        this.#createDuration.observe({ "sandglass.source": source }, durationMs / 1000, placeOf(event));
        return;
      }
      case "sandbox.terminated":
        this.#terminated.add({ [CAUSE]: event.data.cause });
        return;
      case "network.egress": {
        const { bytesIn, bytesOut, count = 1 } = event.data;
        this.#egress.add({}, count);
        this.#egressBytes.add({ direction: "received" }, bytesIn);
        this.#egressBytes.add({ direction: "sent" }, bytesOut);
        return;
      }
      case "network.denied":
        this.#denied.add({ reason: event.data.reason }, event.data.count);
        return;
      case "http.request": {
        const { method, route, status, durationMs } = event.data;
        this.#requests.add({ method, route, status: String(status) });
        this.#requestDuration.observe({ route }, durationMs / 1000, placeOf(event));
      }
    }
  }

  families(): Family[] {
    this.#countAll();
    const derived = { isDerived: true };
    return [
      counter("sandglass.execs", "{exec}", "Execs that ended, by cause.", this.#execs.points(), derived),
      histogram(
        "sandglass.exec.duration",
        "s",
        "How long execs took, from their start to their cause.",
        this.#execDuration.points(),
        derived,
      ),
      histogram(
        "sandglass.sandbox.create.duration",
        "s",
        "How long it took to hand over a sandbox, by where it came from.",
        this.#createDuration.points(),
      ),
      counter(
        "sandglass.sandboxes.terminated",
        "{sandbox}",
        "Sandboxes that ended, by cause.",
        this.#terminated.points(),
        derived,
      ),
      counter(
        "sandglass.http.requests",
        "{request}",
        "Requests by route and status.",
        this.#requests.points(),
        derived,
      ),
      histogram(
        "sandglass.http.request.duration",
        "s",
        "Time from a request's arrival to the end of its answer.",
        this.#requestDuration.points(),
        derived,
      ),
      counter(
        "sandglass.egress.connections",
        "{connection}",
        "Connections and requests of sandboxes that were let out, and are over.",
        this.#egress.points(),
        derived,
      ),
      counter(
        "sandglass.egress.io",
        "By",
        "Bytes that passed through the egress proxy, in connections that are over.",
        this.#egressBytes.points(),
        derived,
      ),
      counter(
        "sandglass.egress.denied",
        "{connection}",
        "What sandboxes tried to reach and were not let out to, by reason.",
        this.#denied.points(),
        derived,
      ),
      counter("otel.sdk.span.started", "{span}", "Spans that the daemon began.", one(this.#spans)),
    ];
  }
}

function byCause(causes: readonly Cause[]): Labels[] {
  return causes.map((cause) => ({ [CAUSE]: cause }));
}

/** The trace and the span that an event is of. */
function placeOf({ timestamp, traceId, spanId }: RuntimeEvent): Omit<Exemplar, "value"> {
  return { timeMs: Date.parse(timestamp), traceId, spanId };
}
