/** A destination that takes everything over HTTP: a subject, so that its work is another process's. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerCalls } from "../measure/answer-calls.ts";
import { Subject } from "../measure/subject.ts";
import { SpanTally } from "./span-tally.ts";

const TRACES = "/v1/traces";
/** What Axiom answers; others do not mind. */
const INGESTED = JSON.stringify({ ingested: 10_000, failed: 0, failures: [] });
/** More is not kept for when there is time to look at it. */
const MAX_KEPT_BYTES = 128 * 1024 * 1024;

/** What came since it was asked before. */
export interface SinkCount {
  requests: number;
  bytes: number;
  /** Of OTLP requests that are not compressed. */
  spans: number;
  uniqueSpans: number;
  /** Names of the first span's attributes, sorted. */
  attributes: string[];
}

export class Sink implements AsyncDisposable {
  readonly #subject: Subject;
  readonly port: number;

  private constructor(subject: Subject, port: number) {
    this.#subject = subject;
    this.port = port;
  }

  static async start(core?: number): Promise<Sink> {
    const subject = await Subject.start(new URL(import.meta.url), core);
    return new Sink(subject, await subject.call<number>("listen", 0));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  count(): Promise<SinkCount> {
    return this.#subject.call("count");
  }

  /** Refuses connections and cuts those there are. */
  die(): Promise<void> {
    return this.#subject.call("die");
  }

  /** Is back at its port. */
  async recover(): Promise<void> {
    await this.#subject.call("listen", this.port);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#subject[Symbol.asyncDispose]();
  }
}

class CountingServer {
  #server: Server | undefined;
  #tally = new SpanTally();
  /** Bodies as the pieces that they came in. */
  #kept: Buffer[][] = [];
  #keptBytes = 0;
  #requests = 0;
  #bytes = 0;

  async listen(port: number): Promise<number> {
    this.#server = createServer((request, response) => this.#take(request, response));
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  async die(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }

  count(): SinkCount {
    this.#look();
    const { spans, unique, attributes } = this.#tally;
    const [requests, bytes] = [this.#requests, this.#bytes];
    this.#tally = new SpanTally();
    this.#requests = 0;
    this.#bytes = 0;
    return { requests, bytes, spans, uniqueSpans: unique, attributes };
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const isTraces = request.url === TRACES && request.headers["content-encoding"] === undefined;
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => {
      this.#bytes += chunk.length;
      if (isTraces) chunks.push(chunk);
    });
    request.on("end", () => {
      this.#requests += 1;
      // An OTLP answer that says nothing of rejections is empty.
      if (request.url === TRACES) response.setHeader("content-type", "application/x-protobuf").end();
      else response.setHeader("content-type", "application/json").end(INGESTED);
      if (!isTraces) return;
      for (const chunk of chunks) this.#keptBytes += chunk.length;
      this.#kept.push(chunks);
      if (this.#keptBytes > MAX_KEPT_BYTES) this.#look();
    });
  }

  /** Later, where it can: whoever sends must not wait for it. */
  #look(): void {
    for (const chunks of this.#kept) this.#tally.add(Buffer.concat(chunks));
    this.#kept = [];
    this.#keptBytes = 0;
  }
}

if (import.meta.main) {
  const server = new CountingServer();
  answerCalls(
    {
      listen: (port: number) => server.listen(port),
      die: () => server.die(),
      count: () => server.count(),
    },
    () => server.die(),
  );
}
