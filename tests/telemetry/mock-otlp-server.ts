import { createRequire } from "node:module";
import type { Signal } from "../../packages/telemetry/src/otlp/model.ts";
import { type ReceivedScope, receivedScopes } from "./received-scopes.ts";

interface ElasticServer {
  start(): Promise<void>;
  readonly httpUrl: URL;
  readonly _httpService: { readonly _server: { closeAllConnections(): void } };
  close(): Promise<void>;
}
// Its types need more than it brings along.
const { MockOtlpServer: Server } = createRequire(import.meta.url)("@elastic/mockotlpserver") as {
  MockOtlpServer: new (options: object) => ElasticServer;
};

/** Elastic's OTLP/HTTP server in this process: reads requests by the official `.proto` files. One at a time in a process. */
export class MockOtlpServer implements AsyncDisposable {
  readonly scopes: ReceivedScope[] = [];
  readonly #server: ElasticServer;

  private constructor() {
    this.#server = new Server({
      ...{ logLevel: "warn", services: ["http"], httpHostname: "127.0.0.1", httpPort: 0 },
      onTrace: (request: unknown) => this.#take("traces", request),
      onLogs: (request: unknown) => this.#take("logs", request),
      onMetrics: (request: unknown) => this.#take("metrics", request),
    });
  }

  static async start(): Promise<MockOtlpServer> {
    const server = new MockOtlpServer();
    await server.#server.start();
    return server;
  }

  get url(): string {
    return String(this.#server.httpUrl);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It waits for connections that are kept alive.
    this.#server._httpService._server.closeAllConnections();
    await this.#server.close();
  }

  #take(signal: Signal, request: unknown): void {
    this.scopes.push(...receivedScopes(signal, request));
  }
}
