import { gunzipSync } from "node:zlib";
import { FaultyServer, type SinkAnswer, type SinkRequest } from "@sandglass/testkit";
import { ProtoReader } from "../../packages/telemetry/src/otlp/proto-reader.ts";
import { LEN } from "../../packages/telemetry/src/otlp/wire.ts";

/** Names of a request that are looked at: a hostile one may have millions. */
const MAX_ATTRIBUTES = 100;

const NAME_FIELDS: Readonly<Record<string, number>> = { traces: 5, metrics: 1, logs: 3 };

/** One `ResourceSpans`, `ResourceLogs` or `ResourceMetrics` that arrived. */
export interface ReceivedEntry {
  signal: string;
  /** How many `resource` fields it has. */
  resources: number;
  /** Those with a text, as they stand: a key may come twice. */
  attributes: [key: string, value: string][];
  /** Of its spans, or of its metrics; of log records the texts of their severity. */
  names: string[];
  sizeBytes: number;
}

/** An OTLP/HTTP server that looks at requests no deeper than it has to, so that it stands what a hostile sender sends. */
export class TelemetrySink implements AsyncDisposable {
  readonly entries: ReceivedEntry[] = [];
  /** Of every request that was taken. */
  readonly headers: SinkRequest["headers"][] = [];
  /** What it says instead of a yes, and then keeps nothing. */
  answer: (request: SinkRequest) => SinkAnswer | undefined = () => undefined;
  readonly #server: FaultyServer;

  static async start(): Promise<TelemetrySink> {
    const sinks: TelemetrySink[] = [];
    const server = await FaultyServer.start((request) => sinks[0]!.#take(request));
    sinks.push(new TelemetrySink(server));
    return sinks[0]!;
  }

  private constructor(server: FaultyServer) {
    this.#server = server;
  }

  get url(): string {
    return this.#server.url;
  }

  get server(): FaultyServer {
    return this.#server;
  }

  /** Names of spans and metrics under the sandbox's id, each once. */
  namesOf(sandboxId: string): Set<string> {
    return new Set(
      this.entries.filter((entry) => sandboxOf(entry) === sandboxId).flatMap(({ names }) => names),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }

  #take(request: SinkRequest): SinkAnswer {
    const refusal = this.answer(request);
    if (refusal !== undefined) return refusal;
    const { path, headers, body } = request;
    this.headers.push(headers);
    const plain = headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
    const reader = new ProtoReader(plain);
    while (reader.next()) {
      if (reader.field === 1) this.entries.push(readEntry(path, reader.bytes()));
      else reader.skip();
    }
    return { status: 200, headers: { "content-type": "application/x-protobuf" } };
  }
}

/** The host's word on whose it is: the first, as the host puts it in front. */
export function sandboxOf({ attributes }: ReceivedEntry): string | undefined {
  return attributes.find(([key]) => key === "sandglass.sandbox.id")?.[1];
}

function readEntry(path: string, bytes: Buffer): ReceivedEntry {
  const signal = path.slice(path.lastIndexOf("/") + 1);
  const entry: ReceivedEntry = {
    ...{ signal, resources: 0, attributes: [], names: [], sizeBytes: bytes.length },
  };
  for (const [field, value] of messagesIn(bytes)) {
    if (field === 1) {
      entry.resources += 1;
      readAttributes(value, entry.attributes);
    } else if (field === 2) readNames(value, NAME_FIELDS[signal] ?? 0, entry.names);
  }
  return entry;
}

function readAttributes(resource: Buffer, into: ReceivedEntry["attributes"]): void {
  for (const [field, attribute] of messagesIn(resource)) {
    if (field !== 1) continue;
    const fields = new Map(messagesIn(attribute));
    const text = new Map(messagesIn(fields.get(2) ?? Buffer.alloc(0))).get(1);
    into.push([fields.get(1)?.toString() ?? "", text?.toString() ?? ""]);
    if (into.length >= MAX_ATTRIBUTES) return;
  }
}

function readNames(scope: Buffer, nameField: number, into: string[]): void {
  for (const [field, item] of messagesIn(scope)) {
    if (field !== 2) continue;
    for (const [number, value] of messagesIn(item)) {
      if (number === nameField) {
        into.push(value.toString("utf8", 0, 200));
        break;
      }
    }
  }
}

/** Fields with a length, in their order. */
function* messagesIn(bytes: Buffer): Generator<[field: number, value: Buffer]> {
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.wireType === LEN) yield [reader.field, reader.bytes()];
    else reader.skip();
  }
}
