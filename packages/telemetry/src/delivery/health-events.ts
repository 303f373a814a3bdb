import { type Emit, type EventInput, newSpanId, newTraceId } from "@sandglass/protocol";

/** Says in the record that an exporter has stalled, and that it works again: both in one trace. */
export class HealthEvents {
  readonly #emit: Emit;
  readonly #exporter: string;
  readonly #orgId: string;
  readonly #onProblem: (message: string, error?: unknown) => void;
  #traceId = newTraceId();

  constructor(
    emit: Emit,
    exporter: string,
    orgId: string,
    onProblem: (message: string, error?: unknown) => void,
  ) {
    this.#emit = emit;
    this.#exporter = exporter;
    this.#orgId = orgId;
    this.#onProblem = onProblem;
  }

  stalled(reason: string, lagEvents: number): void {
    this.#traceId = newTraceId();
    this.#say("warn", "exporter.stalled", { exporter: this.#exporter, reason, lagEvents });
  }

  recovered(stalledMs: number): void {
    this.#say("info", "exporter.recovered", { exporter: this.#exporter, stalledMs });
  }

  #say(level: "info" | "warn", type: "exporter.stalled" | "exporter.recovered", data: object): void {
    const event = {
      type,
      level,
      orgId: this.#orgId,
      sandboxId: "",
      runId: "",
      traceId: this.#traceId,
      spanId: newSpanId(),
      parentSpanId: "",
      data,
    } as EventInput;
    this.#emit(event).catch((error: unknown) => this.#onProblem(`${type} was not recorded`, error));
  }
}
