import { once } from "node:events";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { until } from "@sandglass/testkit";
import { OtlpHttpServer, type OtlpHttpServerOptions } from "../http-server.ts";
import { type IntakeOptions, RequestIntake } from "../request-intake.ts";
import type { Tenant } from "../tenant.ts";
import { MemorySink } from "./grpc-harness.ts";

export type HttpHarnessOptions = Omit<OtlpHttpServerOptions, "intake"> & {
  intake?: Omit<Partial<IntakeOptions>, "onError">;
};

export interface Call {
  path?: string;
  method?: string;
  /** Over the content type, which is protobuf's. */
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array | string;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A receiver of OTLP/HTTP with a port for each tenant, as sandboxes have one each. */
export class HttpHarness implements AsyncDisposable {
  readonly sink: MemorySink = new MemorySink();
  readonly intake: RequestIntake;
  readonly server: OtlpHttpServer;
  readonly errors: unknown[] = [];
  readonly #listeners: Server[] = [];
  readonly #clients: Socket[] = [];

  constructor({ intake, ...options }: HttpHarnessOptions = {}) {
    this.intake = new RequestIntake({
      sink: this.sink,
      onError: (error) => this.errors.push(error),
      ...intake,
    });
    this.server = new OtlpHttpServer({ intake: this.intake, ...options });
  }

  /** @returns the port that is the tenant's */
  async listen(tenant: Tenant): Promise<number> {
    const listener = createServer((socket) => this.server.serve(socket, tenant));
    this.#listeners.push(listener);
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    return (listener.address() as AddressInfo).port;
  }

  /** A connection to write anything to. */
  async connect(port: number): Promise<RawConnection> {
    const socket = connect(port, "127.0.0.1");
    this.#clients.push(socket);
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  /** Resolves when requests in flight hold at least so much. */
  async untilHeld(bytes: number): Promise<void> {
    await until(`${bytes} bytes are in flight`, () => this.intake.heldBytes >= bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#clients) socket.destroy();
    for (const listener of this.#listeners) listener.close();
    await this.server.close(0);
  }
}

/** A client's end of a connection. */
export class RawConnection {
  readonly socket: Socket;
  /** Resolves when it is closed, however. */
  readonly closed: Promise<void>;
  /** What came in so far. */
  received = "";

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    // That it was cut is what `closed` tells.
    socket
      .on("error", () => {})
      .on("data", (chunk: Buffer) => {
        this.received += chunk.toString("latin1");
      });
  }

  write(...parts: (string | Uint8Array)[]): void {
    for (const part of parts) this.socket.write(part);
  }

  /** Resolves when an answer with that status has come. */
  async until(status: number): Promise<void> {
    await until(`the answer is ${status}, not ${this.statuses.join()}`, () => this.statuses.includes(status));
  }

  /** Status codes of the answers so far. */
  get statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  }
}

/** A request's head, with the length of a body of that many bytes unless `fields` say something of it. */
export function requestHead(fields: readonly string[], bodyBytes = 0, path = "/v1/traces"): string {
  const isSized = fields.some((field) => /^(content-length|transfer-encoding):/i.test(field));
  const all = ["Host: localhost:4318", "Content-Type: application/x-protobuf", ...fields];
  if (!isSized) all.push(`Content-Length: ${bodyBytes}`);
  return `POST ${path} HTTP/1.1\r\n${all.join("\r\n")}\r\n\r\n`;
}

/** One request on a connection of its own. */
export async function call(
  port: number,
  { path = "/v1/traces", method = "POST", headers, body }: Call = {},
): Promise<Answer> {
  const sent = { "content-type": "application/x-protobuf", ...headers };
  const outgoing = httpRequest({ port, host: "127.0.0.1", path, method, headers: sent, agent: false });
  // A server may answer before it has read everything.
  outgoing.on("error", () => {});
  outgoing.end(body);
  const [response] = await once(outgoing, "response");
  const chunks: Buffer[] = await response.toArray();
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
}
