import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { StreamEvent } from "@sandglass/protocol";

/** A request as the server saw it, body included. */
export interface SeenRequest {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export type Script = (request: SeenRequest, response: ServerResponse, count: number) => void | Promise<void>;

/** A real HTTP server that answers as a test says: for what a healthy daemon does not do, like cutting a body short. */
export class ScriptedServer implements AsyncDisposable {
  readonly url: string;
  readonly requests: SeenRequest[] = [];
  /** Connections accepted so far. */
  connections = 0;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(script: Script): Promise<ScriptedServer> {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const scripted = new ScriptedServer(server);
    server.on("connection", () => {
      scripted.connections += 1;
    });
    server.on("request", (request, response) => void scripted.#serve(request, response, script));
    return scripted;
  }

  async #serve(request: IncomingMessage, response: ServerResponse, script: Script): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = "", url = "", headers } = request;
    const seen = { method, url, headers, body: Buffer.concat(chunks).toString("utf8") };
    this.requests.push(seen);
    await script(seen, response, this.requests.length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export const EXEC_ID = "exec_01jzzzzzzzzzzzzzzzzzzzzzzz";
export const SANDBOX_ID = "sbx_01jzzzzzzzzzzzzzzzzzzzzzzz";
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";

/** Answers with JSON. */
export function answerJson(response: ServerResponse, value: unknown, status = 200): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    traceresponse: `00-${TRACE_ID}-00f067aa0ba902b7-01`,
  });
  response.end(body);
}

/** Begins an exec's stream. */
export function beginStream(response: ServerResponse): void {
  response.writeHead(200, {
    "content-type": "application/x-ndjson",
    "x-exec-id": EXEC_ID,
    traceresponse: `00-${TRACE_ID}-00f067aa0ba902b7-01`,
  });
}

/** The lines of an exec that prints the numbers below `count`, one a line, then ends well. */
export function countingLines(count: number): string[] {
  const events: StreamEvent[] = Array.from({ length: count }, (_, seq) => ({
    type: "stdout",
    data: `${seq}\n`,
    seq,
    ts: 0,
  }));
  events.push({
    type: "exit",
    data: 0,
    code: 0,
    cause: "exited",
    durationMs: 1,
    execId: EXEC_ID,
    seq: count,
    ts: 0,
  });
  return events.map((event) => `${JSON.stringify(event)}\n`);
}

/** A `SandboxInfo` as far as the client looks into it. */
export function sandboxInfo(): Record<string, unknown> {
  return { id: SANDBOX_ID, state: "running", template: "python", source: "pool", traceId: TRACE_ID };
}
