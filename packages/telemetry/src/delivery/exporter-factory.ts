import { join } from "node:path";
import type { PreparedExporter } from "../exporters/definition.ts";
import type { DeliveryOptions } from "./delivery.ts";
import type { ExporterHandle } from "./exporter-handle.ts";
import type { ExporterOptions, ExporterOwner } from "./exporter-options.ts";
import { HealthEvents } from "./health-events.ts";
import { ManagedExporter } from "./managed-exporter.ts";
import { redactError, redactor } from "./redactor.ts";
import { DEFAULT_RETRY, type RetryOptions } from "./retry-schedule.ts";
import { RemoteExporter } from "./worker/remote-exporter.ts";
import { WorkerHost } from "./worker/worker-host.ts";

/** Decides where an exporter runs, and makes it: in the thread of the exporters where it can, else on this event loop. */
export class ExporterFactory {
  readonly #options: DeliveryOptions;
  readonly #retry: RetryOptions;
  readonly #deadLetterDir: string;
  #host: WorkerHost | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#retry = { ...DEFAULT_RETRY, ...options.retry };
    this.#deadLetterDir = join(options.dataDir, "dead-letters");
  }

  /** One whose place is there, not started. */
  make(
    id: string,
    options: ExporterOptions,
    owner: ExporterOwner,
    prepared: PreparedExporter,
  ): ExporterHandle {
    const { recorder, onProblem = () => undefined } = this.#options;
    const { log } = recorder;
    const redact = redactor(prepared.secrets);
    const problem = (message: string, error?: unknown): void =>
      onProblem(redact(message), redactError(error, redact));
    const events = new HealthEvents(recorder.emit, id, owner.orgId ?? "default", problem);
    const told = {
      onStall: (reason: string, lagEvents: number) => events.stalled(reason, lagEvents),
      onRecover: (stalledMs: number) => events.recovered(stalledMs),
      onProblem: problem,
    };
    if (this.#canMove(options)) {
      const { destination } = prepared;
      return new RemoteExporter({ id, options, owner, destination, log, host: this.#thread(), ...told });
    }
    return new ManagedExporter({
      id,
      provider: options.provider,
      origin: owner.origin,
      orgId: owner.orgId,
      filter: options.filter,
      prepared,
      log,
      deadLetterPath: join(this.#deadLetterDir, `${id}.jsonl`),
      retry: this.#retry,
      ...told,
    });
  }

  async close(): Promise<void> {
    await this.#host?.close();
    this.#host = undefined;
  }

  /** A function of the user's is where the user's program is. */
  #canMove(options: ExporterOptions): boolean {
    const { registry, usesThread = true } = this.#options;
    return usesThread && registry.find(options.provider).mayRunInThread === true && isPlain(options);
  }

  #thread(): WorkerHost {
    const { recorder, env = process.env, cwd = process.cwd(), ownOrigins = [], onProblem } = this.#options;
    this.#host ??= new WorkerHost(
      recorder.log,
      {
        cursors: recorder.log.cursors,
        deadLetterDir: this.#deadLetterDir,
        env: { ...env },
        cwd,
        ownOrigins,
        retry: this.#retry,
      },
      onProblem ?? (() => undefined),
    );
    return this.#host;
  }
}

/** Whether all of it is JSON: a function, a class's instance or a cycle is not. */
function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null)
    return typeof value !== "function" && typeof value !== "symbol";
  if (Array.isArray(value)) return value.every(isPlain);
  const prototype = Object.getPrototypeOf(value) as unknown;
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isPlain);
}
