import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { buffer } from "node:stream/consumers";

/** What goes wrong with one request. Several may be combined; what ends the exchange sooner wins. */
export interface Fault {
  /** The connection is reset as soon as the head of the request is there; nothing was taken. */
  resetBeforeBody?: boolean;
  /** The request is read and never answered; nothing was taken. */
  hang?: boolean;
  /** Waits so long before anything is said. */
  delayMs?: number;
  /** The request is read, then the connection is reset without one byte of an answer; nothing was taken. */
  resetBeforeAnswer?: boolean;
  /** This is answered (default: nothing in the body); nothing was taken. */
  status?: number;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** What was sent is taken, and the answer is half there when the connection is reset. */
  resetMidBody?: boolean;
  /** What was sent is taken, and the answer's body arrives byte by byte, with this between two of them. */
  dripMs?: number;
  /** What was sent is taken, and the answer is a page of HTML with the status that was due. */
  wrongContentType?: boolean;
}

/** The same for every request, or by the request's number from 1 on. */
export type FaultPlan = Fault | ((request: number) => Fault | undefined);

export interface SinkRequest {
  method: string;
  /** With its query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface SinkAnswer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
}

export interface FaultyServerOptions {
  /** HTTPS with this certificate; see `selfSignedCertificate`. `clientCa` asks clients for one that this authority signed. */
  tls?: { cert: string; key: string; clientCa?: string };
}

/**
 * A real HTTP(S) server on 127.0.0.1 that does the right thing, or, on demand, one of the wrong things that servers do. `down()`
 * and `up()` make its port refuse and take connections again.
 *
 * @example
 * await using server = await FaultyServer.start((request) => ({ status: 200, body: "{}" }));
 * server.fault = (request) => (request <= 2 ? { status: 503, headers: { "retry-after": "1" } } : undefined);
 */
export class FaultyServer implements AsyncDisposable {
  /** Absent: all is well. */
  fault: FaultPlan | undefined;
  /** How many requests began. */
  requests = 0;
  /** How many connections were taken. */
  connections = 0;
  openConnections = 0;
  /** Absent before the first. */
  lastRequest: SinkRequest | undefined;
  readonly #server: Server;
  readonly #answer: (request: SinkRequest) => SinkAnswer | Promise<SinkAnswer>;
  readonly #isTls: boolean;
  #port = 0;

  static async start(
    answer: (request: SinkRequest) => SinkAnswer | Promise<SinkAnswer>,
    options: FaultyServerOptions = {},
  ): Promise<FaultyServer> {
    const server = new FaultyServer(answer, options);
    await server.up();
    return server;
  }

  private constructor(
    answer: (request: SinkRequest) => SinkAnswer | Promise<SinkAnswer>,
    { tls }: FaultyServerOptions,
  ) {
    this.#answer = answer;
    this.#isTls = tls !== undefined;
    const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
      this.#serve(incoming, outgoing).catch((error: Error) => outgoing.destroy(error));
    };
    this.#server = tls
      ? createTlsServer({ ...tls, ...(tls.clientCa && { ca: tls.clientCa, requestCert: true }) }, onRequest)
      : createServer(onRequest);
    this.#server.on("connection", (socket: Socket) => {
      this.connections++;
      this.openConnections++;
      socket.on("close", () => this.openConnections--);
    });
  }

  get port(): number {
    return this.#port;
  }

  /** `http://127.0.0.1:PORT`; with TLS by the name that the certificate is for. */
  get url(): string {
    return this.#isTls ? `https://localhost:${this.#port}` : `http://127.0.0.1:${this.#port}`;
  }

  /** Cuts every connection and refuses new ones. */
  async down(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Listens, again on the port it had. */
  async up(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    return this.down();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.down();
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const number = ++this.requests;
    const fault = (typeof this.fault === "function" ? this.fault(number) : this.fault) ?? {};
    // The other side may go at any time; an answer that finds nobody is none of this server's errors.
    incoming.on("error", () => outgoing.destroy());
    outgoing.on("error", () => outgoing.destroy());
    if (fault.resetBeforeBody) return reset(outgoing);
    const { method = "", url: path = "", headers } = incoming;
    const body = await bodyOf(incoming);
    if (body === undefined) return;
    const request: SinkRequest = { method, path, headers, body };
    this.lastRequest = request;

    if (fault.delayMs !== undefined) await waitWhileOpen(outgoing, fault.delayMs);
    if (fault.hang) return;
    if (fault.resetBeforeAnswer) return reset(outgoing);
    const { status } = fault;
    const due = status === undefined ? await this.#answer(request) : { ...fault, status };
    await send(outgoing, fault.wrongContentType ? { status: due.status, ...page } : due, fault);
  }
}

const page = { headers: { "content-type": "text/html" }, body: "<html><body>Please sign in</body></html>" };

/** Undefined where the other side went before it was whole. */
async function bodyOf(incoming: IncomingMessage): Promise<Buffer | undefined> {
  try {
    return await buffer(incoming);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ECONNRESET" || incoming.destroyed) return undefined;
    throw error;
  }
}

async function send(outgoing: ServerResponse, answer: SinkAnswer, fault: Fault): Promise<void> {
  const body = Buffer.from((answer.body ?? "") as string);
  outgoing.writeHead(answer.status, { ...answer.headers, "content-length": body.length });
  if (fault.resetMidBody) {
    outgoing.write(body.subarray(0, body.length >> 1), () => reset(outgoing));
  } else if (fault.dripMs === undefined) {
    outgoing.end(body);
  } else {
    for (const byte of body) {
      outgoing.write(Buffer.of(byte));
      await waitWhileOpen(outgoing, fault.dripMs);
      if (outgoing.destroyed) return;
    }
    outgoing.end();
  }
}

/** Ends sooner where the connection does, so that no timer outlives it. */
async function waitWhileOpen(outgoing: ServerResponse, waitMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, waitMs);
  outgoing.once("close", resolve);
  await promise;
  clearTimeout(timer);
  outgoing.off("close", resolve);
}

/** RST, where a polite server would send FIN. */
function reset(outgoing: ServerResponse): void {
  outgoing.socket?.resetAndDestroy();
}
