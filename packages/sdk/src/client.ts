import type { ConsoleLink, DoctorReport, EventLine, StartRunRequest } from "@sandglass/protocol";
import { resolveApiKey, resolveBaseUrl } from "./credentials.ts";
import { type EventsOptions, readEvents } from "./events.ts";
import { Exporters } from "./exporters.ts";
import { Keys } from "./keys.ts";
import { Logs } from "./logs.ts";
import { Metrics } from "./metrics.ts";
import { providerLoader } from "./otel/enabled.ts";
import { Instruments } from "./otel/instruments.ts";
import { RecordedRuns } from "./recorded-runs.ts";
import { type Run, type RunOptions, startRun } from "./runs.ts";
import type { Sandbox } from "./sandbox.ts";
import { type CreateSandboxOptions, Sandboxes } from "./sandboxes.ts";
import { Status } from "./status.ts";
import { Traces } from "./traces.ts";
import { checkedTrace, type TraceOptions, type Tracing } from "./tracing.ts";
import { Transport } from "./transport/transport.ts";
import { type TrustOptions, trustedAuthorities } from "./transport/trusted-authorities.ts";
import { VERSION } from "./version.ts";

/** Which daemon to call, and how. */
export interface ClientOptions extends TraceOptions, TrustOptions {
  /** Default: `SANDGLASS_URL`, else `http://127.0.0.1:7070`. */
  baseUrl?: string | undefined;
  /** Default: `SANDGLASS_API_KEY`, else the key that the daemon of the same user keeps in the credentials file. */
  apiKey?: string | undefined;
  /** Until an answer is complete, or has begun where it is a stream; milliseconds, 0 is unlimited. Default 60,000. */
  requestTimeoutMs?: number | undefined;
  /** Until a connection stands; milliseconds, 0 leaves it to the system. Default 10,000. */
  connectTimeoutMs?: number | undefined;
  /** How often in a row, with growing waits, a broken stream is picked up again before it is an error. Default 12: about twenty seconds. */
  streamRetries?: number | undefined;
  /**
   * Sends the client's own spans and durations over OTLP, as the `OTEL_EXPORTER_OTLP_*` variables say, where the program
   * has registered no OpenTelemetry provider of its own: that one always wins. Default: `SANDGLASS_SDK_OTEL_ENABLED`,
   * else whether `OTEL_EXPORTER_OTLP_ENDPOINT` is set.
   */
  sdkOtelEnabled?: boolean | undefined;
}

/**
 * A connection to one daemon, shared by any number of sandboxes. Makes no request until asked to; idle connections do not
 * keep the process alive.
 *
 * @example
 * const client = new Client({ baseUrl: "http://127.0.0.1:7070" });
 * await using sandbox = await client.createSandbox("python");
 */
export class Client {
  readonly baseUrl: string;
  readonly sandboxes: Sandboxes;
  readonly keys: Keys;
  /** Where the daemon delivers events to. */
  readonly exporters: Exporters;
  /** Agent runs as they are in the record; `run` opens one. */
  readonly runs: RecordedRuns;
  readonly traces: Traces;
  readonly logs: Logs;
  readonly metrics: Metrics;
  /** How the service is, and its status page. */
  readonly status: Status;
  readonly #transport: Transport;
  readonly #instruments: Instruments;
  readonly #tracing: Tracing;

  /** @throws SandglassError INVALID_REQUEST where the base URL is none, or the file of authorities cannot be read */
  constructor(options: ClientOptions = {}) {
    this.baseUrl = resolveBaseUrl(options.baseUrl);
    this.#instruments = new Instruments(providerLoader(options.sdkOtelEnabled));
    let apiKey: string | undefined;
    this.#transport = new Transport({
      baseUrl: this.baseUrl,
      apiKey: () => (apiKey ??= resolveApiKey(this.baseUrl, options.apiKey)),
      requestTimeoutMs: options.requestTimeoutMs,
      connectTimeoutMs: options.connectTimeoutMs,
      streamRetries: options.streamRetries,
      userAgent: `sandglass-js/${VERSION} node/${process.versions.node}`,
      authorities: this.baseUrl.startsWith("https:") ? trustedAuthorities(options) : undefined,
      instruments: this.#instruments,
    });
    const { traceparent, tracestate, baggage } = options;
    const fromEnvironment = { traceparent: process.env.SANDGLASS_TRACEPARENT };
    this.#tracing = {
      fallback:
        checkedTrace({ traceparent, tracestate, baggage }) ??
        checkedTrace(fromEnvironment, "SANDGLASS_TRACEPARENT"),
    };
    this.sandboxes = new Sandboxes(this.#transport, this.#tracing);
    this.keys = new Keys(this.#transport);
    this.exporters = new Exporters(this.#transport);
    this.status = new Status(this.#transport);
    this.runs = new RecordedRuns(this.#transport, this.#tracing);
    this.traces = new Traces(this.#transport, this.#tracing);
    this.logs = new Logs(this.#transport, this.#tracing);
    this.metrics = new Metrics(this.#transport, this.#tracing);
  }

  /** Short for `client.sandboxes.create({ template })`. */
  createSandbox(template?: string, options: CreateSandboxOptions = {}): Promise<Sandbox> {
    return this.sandboxes.create({ ...options, ...(template !== undefined && { template }) });
  }

  /**
   * The record: every event, in order, each with the `cursor` to continue behind it. With `follow` it stays and
   * survives broken connections.
   *
   * @example for await (const event of client.events({ types: ["exec.*"], follow: true })) console.log(event.type);
   */
  events(options: EventsOptions = {}): AsyncGenerator<EventLine, void, undefined> {
    return readEvents(this.#transport, options);
  }

  /** Opens an agent run. What is done by its methods and `run.sandboxes` becomes one trace; `complete` (or `await using`) ends it. */
  run(request: StartRunRequest & RunOptions): Promise<Run>;
  /**
   * As above, completed when `work` ends: "ok", or "error" where it throws. All that is done inside belongs to the run: sandboxes that are
   * created there by whatever means, and the program's own OpenTelemetry spans.
   */
  run<T>(request: StartRunRequest & RunOptions, work: (run: Run) => Promise<T>): Promise<T>;
  async run<T>(request: StartRunRequest & RunOptions, work?: (run: Run) => Promise<T>): Promise<Run | T> {
    const run = await startRun(this.#transport, this.#tracing, request);
    return work === undefined ? run : run.during(work);
  }

  /** What the host enforces, and the daemon's configuration. */
  async doctor(): Promise<DoctorReport> {
    return (await this.#transport.json<DoctorReport>({ route: "doctor", tracing: this.#tracing })).value;
  }

  /**
   * A way into the web console with this client's key: good for one use, within a minute. Whoever opens it acts as the key.
   *
   * @returns the whole address, and when it is over (ISO 8601)
   */
  async consoleLink(): Promise<{ url: string; expiresAt: string }> {
    const { value } = await this.#transport.json<ConsoleLink>({ route: "createConsoleLink" });
    return { url: `${this.baseUrl}${value.path}`, expiresAt: value.expiresAt };
  }

  /**
   * Closes the connections; what is under way fails. Resolves when the telemetry that the client itself sends has been
   * sent, at most some ten seconds later. For programs that make many clients, or end by `process.exit`; others need not.
   */
  async close(): Promise<void> {
    this.#transport.close();
    await this.#instruments.close();
  }
}

const shared = new Map<string, Client>();

/** One client for all callers with equal options: their connections are reused. */
export function sharedClient(options: ClientOptions): Client {
  const { apiKey, ca, caFile, requestTimeoutMs, connectTimeoutMs, streamRetries, sdkOtelEnabled } = options;
  const baseUrl = resolveBaseUrl(options.baseUrl);
  const own = {
    baseUrl,
    apiKey,
    ca,
    caFile,
    requestTimeoutMs,
    connectTimeoutMs,
    streamRetries,
    sdkOtelEnabled,
  };
  const name = JSON.stringify(own);
  const client = shared.get(name) ?? new Client(own);
  shared.set(name, client);
  return client;
}
