import { join } from "node:path";
import type { TestContext } from "node:test";
import { DurableLog } from "../../../log/durable-log.ts";
import type { DurableLogOptions } from "../../../log/log-options.ts";
import { onEnd, temporaryDirectory } from "../../../log/testing/test-log.ts";
import { encodeLogs } from "../../../otlp/encode-logs.ts";
import { encodeTraces } from "../../../otlp/encode-traces.ts";
import { encodeTelemetryHead, type TelemetryHead } from "../../telemetry-record.ts";
import { DestinationStore, type StoreContext } from "../destination-store.ts";
import { Forwarder } from "../forwarder.ts";
import type { ForwarderOptions } from "../forwarder-options.ts";

/** Waits that a test need not sit through. */
const QUICK_RETRY = { initialMs: 20, maxMs: 50, stallAfterMs: 30 };

export interface WorldOptions extends Partial<Omit<ForwarderOptions, "log" | "store">> {
  logOptions?: Partial<DurableLogOptions>;
  storeContext?: Partial<StoreContext>;
}

/** A log of telemetry with its destinations and their forwarder, on real files. */
export class ForwardWorld {
  readonly dataDir: string;
  readonly problems: string[] = [];
  readonly log: DurableLog;
  readonly store: DestinationStore;
  readonly #options: WorldOptions;
  #forwarder: Forwarder | undefined;

  /** Everything ends with the test, before its directory goes. @param dataDir default a new one */
  static async open(
    t: TestContext,
    options: WorldOptions = {},
    dataDir = temporaryDirectory(t),
  ): Promise<ForwardWorld> {
    const world = await ForwardWorld.at(dataDir, options);
    onEnd(t, () => world.close());
    return world;
  }

  static async at(dataDir: string, options: WorldOptions = {}): Promise<ForwardWorld> {
    const log = await DurableLog.open({ dir: join(dataDir, "telemetry"), ...options.logOptions });
    const problems: string[] = [];
    const context = { cwd: dataDir, ownOrigins: [], onProblem: (message: string) => problems.push(message) };
    const store = await DestinationStore.open(join(dataDir, "otel-destinations"), {
      ...context,
      ...options.storeContext,
    });
    return new ForwardWorld(dataDir, log, store, options, problems);
  }

  private constructor(
    dataDir: string,
    log: DurableLog,
    store: DestinationStore,
    options: WorldOptions,
    problems: string[],
  ) {
    this.dataDir = dataDir;
    this.log = log;
    this.store = store;
    this.problems = problems;
    this.#options = options;
  }

  get deadLetterPath(): string {
    return join(this.dataDir, "dead-letters", "forward.jsonl");
  }

  /** Begins to forward. */
  start(): Forwarder {
    const { retry, ...options } = this.#options;
    this.#forwarder = Forwarder.start({
      log: this.log,
      store: this.store,
      deadLetterPath: this.deadLetterPath,
      lingerMs: 1,
      onProblem: (message, error) => this.problems.push(`${message}: ${error}`),
      ...options,
      retry: { ...QUICK_RETRY, ...retry },
    });
    return this.#forwarder;
  }

  /** A destination of a sandbox, by its base URL and whatever else is to be in its environment. */
  async destination(
    endpoint: string,
    sandboxId = "sbx_1",
    env: Record<string, string> = {},
  ): Promise<string> {
    const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env };
    const { id } = await this.store.acquire({ sandboxId, orgId: "acme", env: variables, isTrusted: true });
    return id;
  }

  /** Appends a request of spans with these names. Resolves when it is durable. */
  async spans(
    destinationId: string,
    names: readonly string[],
    head: Partial<TelemetryHead> = {},
  ): Promise<number> {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const times = { startTimeUnixNano: "1776520800000042000", endTimeUnixNano: "1776520800000043000" };
    const spans = names.map((name) => ({ traceId, spanId: "00f067aa0ba902b7", name, ...times }));
    const body = encodeTraces({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
    return this.append({ signal: "traces", items: names.length, destinationId, ...head }, body);
  }

  /** The same of log records with these texts. */
  async logs(destinationId: string, texts: readonly string[]): Promise<number> {
    const logRecords = texts.map((stringValue) => ({ body: { stringValue } }));
    const body = encodeLogs({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
    return this.append({ signal: "logs", items: texts.length, destinationId }, body);
  }

  append(head: Partial<TelemetryHead>, body: Uint8Array): Promise<number> {
    const whole: TelemetryHead = {
      signal: "traces",
      origin: "sandbox",
      receivedAt: Date.now(),
      items: 1,
      orgId: "acme",
      sandboxId: "sbx_1",
      runId: "",
      destinationId: "",
      isForwardOnly: false,
      ...head,
    };
    return this.log.append(Buffer.concat([encodeTelemetryHead(whole), body]));
  }

  async close(): Promise<void> {
    await this.#forwarder?.stop(0);
    await this.store.flush();
    await this.log.close();
  }
}
