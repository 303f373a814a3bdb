import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  type AddressInfo,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from "node:net";
import { buffer } from "node:stream/consumers";
import type { SandboxCollector, SandboxSockets } from "@sandglass/runtime";
import { callHttp, until } from "@sandglass/testkit";
import { type ReceivedSpan, readSpans } from "./received-span.ts";

/** An OTLP/HTTP receiver that keeps the spans it got: on the host, and as the collector of a runtime in its sandboxes. */
export class SpanSink implements SandboxCollector, AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  readonly #server: Server = this.#makeServer();
  readonly #inside = new Map<string, NetServer[]>();
  readonly #open = new Set<Socket>();

  private constructor() {}

  static async start(): Promise<SpanSink> {
    const sink = new SpanSink();
    sink.#server.listen(0, "127.0.0.1");
    await once(sink.#server, "listening");
    return sink;
  }

  /** As a program of the host has it in its environment. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  of(traceId: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  /**
   * Resolves when all is here that processes of the host had sent that have ended by now: connections are taken in the order they were
   * made, and a process that waited too long for its answer has still sent all it had to say.
   */
  async settled(): Promise<void> {
    const answer = await callHttp({ url: this.endpoint, apiKey: "" }, "GET /");
    if (answer.status !== 200) throw new Error(`the sink answered ${answer.status}`);
    await until("all connections are read to their end", () => this.#open.size === 0);
  }

  async attach(sandboxId: string, open: () => Promise<SandboxSockets>): Promise<void> {
    const { http, grpc } = await open();
    const servers: NetServer[] = [this.#makeServer(), createNetServer((socket) => socket.destroy())];
    servers[0]?.listen(http);
    servers[1]?.listen(grpc);
    this.#inside.set(sandboxId, servers);
  }

  async claim(): Promise<void> {}

  async detach(sandboxId: string): Promise<undefined> {
    for (const server of this.#inside.get(sandboxId) ?? []) await close(server);
    this.#inside.delete(sandboxId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#inside.keys()) await this.detach(id);
    await close(this.#server);
  }

  #makeServer(): Server {
    const server = createServer((request, response) => void this.#take(request, response));
    server.on("connection", (socket) => {
      this.#open.add(socket);
      socket.on("close", () => this.#open.delete(socket));
    });
    return server;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    if (request.url === "/v1/traces") this.spans.push(...readSpans(body));
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  }
}

async function close(server: NetServer): Promise<void> {
  (server as Partial<Server>).closeAllConnections?.();
  server.close();
  await once(server, "close");
}
