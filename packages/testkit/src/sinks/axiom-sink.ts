import { gunzipSync, zstdDecompressSync } from "node:zlib";
import {
  type FaultPlan,
  FaultyServer,
  type FaultyServerOptions,
  type SinkAnswer,
  type SinkRequest,
} from "./faulty-server.ts";

// https://axiom.co/docs/reference/limits
const MAX_EVENT_BYTES = 1024 * 1024;
const MAX_EVENTS = 10_000;
const MAX_FIELD_NAME_BYTES = 200;

export interface AxiomSinkOptions extends FaultyServerOptions {
  /** The one dataset there is. Default "sandglass-events". */
  dataset?: string;
  /** The one token that may write. Default "xaat-testkit". One that begins with "xapt-" wants an organisation's id besides. */
  token?: string;
  /** A larger body, as it is sent, is answered with 413. Default 8 MiB. */
  maxBodyBytes?: number;
}

/** An event as it was stored. */
export type AxiomEvent = { readonly id: string; readonly _time: string } & Readonly<Record<string, unknown>>;

/**
 * Axiom's ingest API as documented (https://axiom.co/docs/restapi/endpoints/ingestIntoDataset and
 * https://axiom.co/docs/restapi/endpoints/ingestToDataset): checks what it checks, keeps what it would keep. Like Axiom it stores
 * an event again that comes again.
 *
 * @example
 * await using sink = await AxiomSink.start();
 * sink.fault = (request) => (request === 1 ? { status: 429, headers: { "retry-after": "1" } } : undefined);
 * sink.events.get("evt_…")
 */
export class AxiomSink implements AsyncDisposable {
  /** By `id`: each once, as it came last. */
  readonly events = new Map<string, AxiomEvent>();
  /** How often each came. */
  readonly copies = new Map<string, number>();
  /** Events with these ids are reported as failures in an answer that takes the rest. */
  readonly failIds = new Set<string>();
  readonly dataset: string;
  readonly token: string;
  readonly #maxBodyBytes: number;
  #server: FaultyServer | undefined;

  static async start(options: AxiomSinkOptions = {}): Promise<AxiomSink> {
    const sink = new AxiomSink(options);
    sink.#server = await FaultyServer.start((request) => sink.#answer(request), options);
    return sink;
  }

  private constructor(options: AxiomSinkOptions) {
    this.dataset = options.dataset ?? "sandglass-events";
    this.token = options.token ?? "xaat-testkit";
    this.#maxBodyBytes = options.maxBodyBytes ?? 8 * 1024 * 1024;
  }

  get server(): FaultyServer {
    if (!this.#server) throw new Error("the sink was not started");
    return this.#server;
  }

  get url(): string {
    return this.server.url;
  }

  set fault(plan: FaultPlan | undefined) {
    this.server.fault = plan;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #answer(request: SinkRequest): SinkAnswer {
    const refusal = this.#refusal(request);
    if (refusal) return json(refusal[0], { code: refusal[0], message: refusal[1] });
    let sent: unknown[];
    try {
      sent = parse(request);
    } catch (error) {
      return json(400, { code: 400, message: `unable to parse the body: ${(error as Error).message}` });
    }
    if (sent.length > MAX_EVENTS) return json(413, { code: 413, message: "too many events in a batch" });

    const failures: { timestamp: string; error: string }[] = [];
    for (const value of sent) {
      const error = this.#take(value);
      if (error !== undefined) failures.push({ timestamp: timeOf(value), error });
    }
    return json(200, {
      ingested: sent.length - failures.length,
      failed: failures.length,
      failures,
      processedBytes: request.body.length,
      blocksCreated: 0,
      walLength: 0,
    });
  }

  #refusal({ method, path, headers, body }: SinkRequest): [status: number, message: string] | undefined {
    const name = /^\/v1\/(?:datasets\/([^/?]+)\/ingest|ingest\/([^/?]+))$/.exec(path);
    if (!name) return [404, "not found"];
    if (method !== "POST") return [405, "method not allowed"];
    if (headers.authorization !== `Bearer ${this.token}`) return [401, "Forbidden"];
    if (this.token.startsWith("xapt-") && headers["x-axiom-org-id"] === undefined)
      return [403, "a personal token needs an organisation"];
    if (decodeURIComponent(name[1] ?? name[2] ?? "") !== this.dataset) return [404, "dataset not found"];
    if (body.length > this.#maxBodyBytes) return [413, "the request is too large"];
    return undefined;
  }

  /** Returns why it was not taken. */
  #take(value: unknown): string | undefined {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return "not an object";
    const event = value as Partial<AxiomEvent>;
    if (typeof event.id === "string" && this.failIds.has(event.id)) return "told to fail";
    if (JSON.stringify(event).length > MAX_EVENT_BYTES) return "the event is larger than 1 MB";
    const tooLong = Object.keys(event).find((key) => Buffer.byteLength(key) > MAX_FIELD_NAME_BYTES);
    if (tooLong !== undefined) return "a field's name is longer than 200 bytes";
    if (typeof event._time !== "string" || Number.isNaN(Date.parse(event._time))) return "invalid _time";
    const id = event.id ?? "";
    this.events.set(id, event as AxiomEvent);
    this.copies.set(id, (this.copies.get(id) ?? 0) + 1);
    return undefined;
  }
}

function parse({ headers, body }: SinkRequest): unknown[] {
  const text = decode(body, headers["content-encoding"]).toString("utf8");
  switch (headers["content-type"]) {
    case "application/x-ndjson":
      return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
    case "application/json": {
      const value = JSON.parse(text);
      return Array.isArray(value) ? value : [value];
    }
    default:
      throw new Error(`unsupported content type ${headers["content-type"]}`);
  }
}

function decode(body: Buffer, encoding: string | undefined): Buffer {
  switch (encoding) {
    case undefined:
    case "identity":
      return body;
    case "gzip":
      return gunzipSync(body);
    case "zstd":
      return zstdDecompressSync(body);
    default:
      throw new Error(`unsupported content encoding ${encoding}`);
  }
}

/** As Go's `time.RFC3339Nano` writes it: without zeros at the end of the fraction. */
function timeOf(value: unknown): string {
  const { _time } = Object(value) as { _time?: unknown };
  const time =
    typeof _time === "string" && !Number.isNaN(Date.parse(_time)) ? _time : new Date().toISOString();
  return time.replace(/(\.\d*?)0+Z$/, "$1Z").replace(".Z", "Z");
}

function json(status: number, value: unknown): SinkAnswer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
