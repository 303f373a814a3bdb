import { startDaemon, type TestDaemon } from "@sandglass/testkit";
import { Client } from "sandglass";
import { OtlpSink } from "../../packages/telemetry/src/exporters/otel/testing/otlp-sink.ts";
import type { AnyValue, KeyValue, OtlpLogRecord } from "../../packages/telemetry/src/otlp/model.ts";
import { receivedScopes } from "./received-scopes.ts";

/** Tests wait for what a person would not. */
const SOON = { scheduleDelayMs: 20 };

/** A log record that arrived, with what stands on its Resource. */
export interface ArrivedLog {
  body: string;
  severityNumber: number;
  eventName: string;
  traceId: string;
  spanId: string;
  flags: number;
  timeUnixNano: bigint;
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
}

/** A daemon whose events and telemetry go to one sink, with a client. */
export class LoggingDaemon implements AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly client: Client;
  readonly sink: OtlpSink;
  readonly #disposables: AsyncDisposableStack;

  private constructor(daemon: TestDaemon, client: Client, sink: OtlpSink, disposables: AsyncDisposableStack) {
    this.daemon = daemon;
    this.client = client;
    this.sink = sink;
    this.#disposables = disposables;
  }

  static async start(templates: Readonly<Record<string, object>> = {}): Promise<LoggingDaemon> {
    await using disposables = new AsyncDisposableStack();
    const sink = disposables.use(await OtlpSink.start());
    const exporter = { provider: "otel", config: { endpoint: sink.url, batchConfig: SOON } };
    const env = {
      SANDGLASS_TEMPLATES: JSON.stringify({ python: { poolSize: 0 }, ...templates }),
      SANDGLASS_OBSERVABILITY: JSON.stringify({ exporters: [exporter] }),
    };
    const daemon = disposables.use(await startDaemon({ env }));
    const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey, sdkOtelEnabled: false });
    disposables.defer(() => client.close());
    return new LoggingDaemon(daemon, client, sink, disposables.move());
  }

  /** Resolves when all that happened is at the daemon's own destination. What goes to owners' endpoints may wait for one that is gone. */
  async delivered(): Promise<void> {
    const { dropped, pending } = await this.client.exporters.flush({ ids: ["otel"], timeoutMs: 60_000 });
    if (dropped + pending > 0) throw new Error(`${pending} are not delivered, ${dropped} were dropped`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposables.disposeAsync();
  }
}

/** The log records that a sink took, in the order in which they came. */
export function logsAt(sink: OtlpSink): ArrivedLog[] {
  return sink.requests
    .filter(({ signal }) => signal === "logs")
    .flatMap(({ data }) => receivedScopes("logs", data))
    .flatMap(({ resource, items }) =>
      (items as OtlpLogRecord[]).map((record) => ({
        body: record.body?.stringValue ?? "",
        severityNumber: record.severityNumber ?? 0,
        eventName: record.eventName ?? "",
        traceId: record.traceId ?? "",
        spanId: record.spanId ?? "",
        flags: record.flags ?? 0,
        timeUnixNano: BigInt(record.timeUnixNano ?? 0),
        attributes: plain(record.attributes),
        resource: plain(resource.attributes),
      })),
    );
}

/** Of an exec, what it wrote. */
export function linesOf(sink: OtlpSink, execId: string): ArrivedLog[] {
  return logsAt(sink).filter(
    ({ eventName, attributes }) => eventName === "" && attributes["sandglass.exec.id"] === execId,
  );
}

function plain(attributes: readonly KeyValue[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
}

function plainValue(value: AnyValue = {}): unknown {
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue;
}
