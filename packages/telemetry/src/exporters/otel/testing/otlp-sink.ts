import { gunzipSync } from "node:zlib";
import { FaultyServer, type SinkAnswer, type SinkRequest } from "@sandglass/testkit";
import type { Signal } from "../../../otlp/model.ts";
import { decodeByOracle, encodeResponse } from "../../../otlp/testing/oracle.ts";

const SIGNAL_OF_PATH: Readonly<Record<string, Signal>> = {
  "/v1/traces": "traces",
  "/v1/logs": "logs",
  "/v1/metrics": "metrics",
};

export interface OtlpRequest {
  signal: Signal;
  headers: SinkRequest["headers"];
  /** As protobufjs, or JSON.parse, reads it. */
  data: unknown;
}

/** An OTLP/HTTP server that keeps what it took, and answers what it is told. */
export class OtlpSink implements AsyncDisposable {
  readonly requests: OtlpRequest[] = [];
  /** Of every request, with its query, also of those to nowhere. */
  readonly paths: string[] = [];
  /** Undefined: a plain yes. Only a yes is kept. */
  answer: (request: OtlpRequest) => SinkAnswer | undefined = () => undefined;
  readonly #server: FaultyServer;

  static async start(tls?: { cert: string; key: string; clientCa?: string }): Promise<OtlpSink> {
    const sinks: OtlpSink[] = [];
    const server = await FaultyServer.start((request) => sinks[0]!.#take(request), tls ? { tls } : {});
    const sink = new OtlpSink(server);
    sinks.push(sink);
    return sink;
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

  /** The signals of what was taken, in order of arrival. */
  get signals(): Signal[] {
    return this.requests.map(({ signal }) => signal);
  }

  /** Ids of the events whose log records were taken. */
  get loggedIds(): string[] {
    return this.requests.filter(({ signal }) => signal === "logs").flatMap(({ data }) => eventIdsIn(data));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }

  #take({ path, headers, body }: SinkRequest): SinkAnswer {
    this.paths.push(path);
    const signal = SIGNAL_OF_PATH[path];
    if (signal === undefined) return { status: 404 };
    const plain = headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
    const isJson = headers["content-type"] === "application/json";
    const data = isJson ? JSON.parse(plain.toString("utf8")) : decodeByOracle(signal, plain);
    const request = { signal, headers, data };
    const answer = this.answer(request);
    if (answer === undefined || answer.status < 300) this.requests.push(request);
    return (
      answer ?? {
        status: 200,
        headers: { "content-type": headers["content-type"] ?? "" },
        body: yes(signal, isJson),
      }
    );
  }
}

/** With a warning in it, so that there is something to read. */
function yes(signal: Signal, isJson: boolean): string | Uint8Array {
  const partial = { errorMessage: "all is well, and this is a message of it" };
  return isJson ? JSON.stringify({ partialSuccess: partial }) : encodeResponse(signal, partial);
}

/** Of an export of logs. */
export function eventIdsIn(data: unknown): string[] {
  return loggedEvents(data).map(({ id }) => id);
}

type Attributes = { key: string; value?: { stringValue?: string; intValue?: string } }[];
interface Logs {
  resourceLogs?: {
    resource?: { attributes?: Attributes };
    scopeLogs?: { logRecords?: { attributes?: Attributes }[] }[];
  }[];
}

/** The events that the records of an export of logs are of; those that are of none are left out. */
export function loggedEvents(data: unknown): { id: string; sandboxId: string; seq: number }[] {
  const records = ((data as Logs).resourceLogs ?? []).flatMap(({ resource, scopeLogs = [] }) =>
    scopeLogs.flatMap(({ logRecords = [] }) =>
      logRecords.map(({ attributes }) => ({
        id: valueIn(attributes, "sandglass.event.id"),
        sandboxId: valueIn(resource?.attributes, "sandglass.sandbox.id"),
        seq: Number(valueIn(attributes, "sandglass.event.seq")),
      })),
    ),
  );
  return records.filter(({ id }) => id !== "");
}

function valueIn(attributes: Attributes | undefined, name: string): string {
  const value = attributes?.find(({ key }) => key === name)?.value;
  return value?.stringValue ?? value?.intValue ?? "";
}
