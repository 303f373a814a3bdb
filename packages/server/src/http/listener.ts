import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import type { Duplex } from "node:stream";
import { type ErrorCode, newRequestId, SandglassError } from "@sandglass/protocol";
import type { SandglassConfig } from "../config.ts";
import type { TlsIdentity } from "../tls-identity.ts";
import type { RequestListener } from "./app.ts";
import type { ClientAddresses } from "./client-address.ts";
import { ConnectionLimits } from "./connection-limits.ts";
import { answerError } from "./error-answer.ts";
import { toOriginForm } from "./origin-form.ts";
import { beginRecord, type RequestRecord, writeHead } from "./request-record.ts";

/** Longer than a load balancer keeps a connection unused (60 s is common), so that it is never us who close one in use. */
const KEEP_ALIVE_MS = 75_000;
/** A handshake is a few packets. */
const TLS_HANDSHAKE_MS = 10_000;
/** How often late headers are looked for, at most. */
const MAX_CHECK_MS = 1_000;
/** Probes of the peer on a silent connection: how a follower that is gone is noticed. */
const TCP_KEEP_ALIVE_MS = 30_000;

const LOOPBACK = "127.0.0.1";
/** Addresses to listen on that are none to call, and what this machine calls instead. */
const WILDCARDS: Readonly<Record<string, string>> = { "0.0.0.0": LOOPBACK, "::": "::1", "[::]": "::1" };

/** Takes a request up before it is served: its record, and whoever watches for its end. */
type OnRequest = (record: RequestRecord, request: IncomingMessage, response: ServerResponse) => void;

export interface ListenerOptions {
  version: string;
  limits: SandglassConfig["limits"];
  addresses: Pick<ClientAddresses, "isProxy">;
  /** Undefined speaks plain HTTP. */
  tls: Pick<TlsIdentity, "cert" | "key"> | undefined;
  /**
   * With a certificate, listens on a port of the loopback as well, in plain HTTP: for the daemon's own calls of its API. The certificate may
   * be of any authority and for any name, so that nobody inside could check it. Default false.
   */
  hasInner?: boolean;
  /** Told of connections that could not be taken; the listener goes on. */
  onError(error: Error): void;
}

/**
 * The socket. It listens before the daemon is ready, so that a taken port is known before a log is opened or a sandbox
 * warmed; requests that come early wait until there is something to serve them, but for the probes, which are answered at once.
 */
export class Listener {
  readonly #server: Server | TlsServer;
  readonly #connections: ConnectionLimits;
  readonly #maxHeaders: number;
  readonly #scheme: "http" | "https";
  readonly #startedAt = performance.now();
  #inner: Listener | undefined;
  readonly #version: string;
  #serve: { listener: RequestListener; onRequest: OnRequest } | undefined;
  #early: (() => void)[] = [];

  private constructor({ version, limits, addresses, tls }: ListenerOptions) {
    this.#version = version;
    this.#connections = new ConnectionLimits(limits, addresses);
    this.#maxHeaders = limits.headerCount;
    this.#scheme = tls === undefined ? "http" : "https";
    const options = {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: Math.min(MAX_CHECK_MS, limits.headersTimeoutMs),
      requestTimeout: 0,
      maxHeaderSize: limits.headerBytes,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
      // Refused below, in the catalogue's form: Node's own answers say nothing.
      requireHostHeader: false,
    };
    this.#server =
      tls === undefined
        ? createServer(options)
        : createTlsServer({ ...options, ...identityOf(tls), handshakeTimeout: TLS_HANDSHAKE_MS });
    // One more than are taken: those that the parser leaves out would be left out silently.
    this.#server.maxHeadersCount = limits.headerCount + 1;
    // Before Node's own listener, which drops what is destroyed by then.
    this.#server.prependListener("connection", (socket: Socket) => this.#connections.take(socket));
    this.#server.on("request", (request, response) => this.#onRequest(request, response));
    this.#server.on("checkExpectation", (request, response) => this.#onRequest(request, response));
    this.#server.on("clientError", answerMalformed);
    this.#server.timeout = limits.readerStallMs;
    this.#server.on("timeout", (socket: Socket) => this.#onIdle(socket));
  }

  /**
   * @throws what `listen` fails with, e.g. EADDRINUSE
   */
  static async listen(host: string, port: number, options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    const server = listener.#server.listen(port, host.replace(/^\[|\]$/g, ""));
    await once(server, "listening");
    server.on("error", options.onError);
    if (options.hasInner && options.tls !== undefined) {
      try {
        listener.#inner = await Listener.listen(LOOPBACK, 0, { ...options, tls: undefined });
      } catch (error) {
        listener.close();
        throw error;
      }
    }
    return listener;
  }

  /** Where the daemon calls its own API; undefined where that is by {@link baseUrl}. */
  get innerUrl(): string | undefined {
    return this.#inner?.baseUrl(LOOPBACK);
  }

  /** New connections get this certificate; those that are open go on. */
  renew(tls: Pick<TlsIdentity, "cert" | "key">): void {
    if ("setSecureContext" in this.#server) this.#server.setSecureContext(identityOf(tls));
  }

  /** For the framework, which wants to know the server it serves. */
  get server(): Server {
    return this.#server as Server;
  }

  /** Where this machine reaches it, e.g. `http://127.0.0.1:7070`. */
  baseUrl(host: string): string {
    const { port } = this.#server.address() as AddressInfo;
    const bare = WILDCARDS[host] ?? host.replace(/^\[|\]$/g, "");
    return `${this.#scheme}://${bare.includes(":") ? `[${bare}]` : bare}:${port}`;
  }

  /** Every origin that leads here, as far as this machine can tell; behind a proxy there are more. */
  origins(host: string): string[] {
    const { port } = this.#server.address() as AddressInfo;
    const bare = host.replace(/^\[|\]$/g, "");
    const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    const hosts = bare in WILDCARDS ? interfaces.map(({ address }) => address) : [bare];
    const names = new Set([...hosts, "localhost", LOOPBACK, "::1", hostname()]);
    const own = [...names].map(
      (name) => `${this.#scheme}://${name.includes(":") ? `[${name}]` : name}:${port}`,
    );
    return [...own, ...(this.#inner?.origins(LOOPBACK) ?? [])];
  }

  /**
   * From here on requests are served, those that waited first.
   *
   * @param inner serves what the daemon itself asks; default: as everybody's
   */
  serve(listener: RequestListener, onRequest: OnRequest, inner = listener): void {
    this.#inner?.serve(inner, onRequest);
    this.#serve = { listener, onRequest };
    for (const wake of this.#early.splice(0)) wake();
  }

  /** Takes no new connection, and closes those that no request is on. */
  stopAccepting(): void {
    this.#inner?.stopAccepting();
    this.#server.close();
    this.#server.closeIdleConnections();
  }

  /** Breaks off whatever is still connected. */
  close(): void {
    this.#inner?.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    // A write that comes behind the client's going is no error of ours; "close" tells whoever has to know.
    response.on("error", () => undefined);
    toOriginForm(request);
    const record = beginRecord(request);
    const refusal = this.#refusalOf(request);
    // Of these there is no event: who is refused for being too much is not given a place in the record to fill.
    if (refusal !== undefined) return answerError(refusal, request, response, record, () => undefined);
    if (!this.#connections.begin(request.socket, (over) => response.once("close", over))) return;
    if (this.#serve === undefined) {
      if (this.#answerEarlyProbe(request, response, record)) return;
      this.#early.push(() => this.#dispatch(request, response, record));
      return;
    }
    this.#dispatch(request, response, record);
  }

  /**
   * Nothing came over it, and nothing was taken of what is to go out. A request may wait for what is to happen for as long as it likes; whose
   * answer lies there untaken, whatever answered it, is cut, and so is a connection that is kept for a next request for too long.
   */
  #onIdle(socket: Socket): void {
    if (socket.writableLength > 0 || !this.#connections.isBusy(socket)) socket.destroy();
  }

  #refusalOf({ socket, rawHeaders, headers, httpVersion }: IncomingMessage): SandglassError | undefined {
    const reason = this.#connections.refusalOf(socket);
    if (reason !== undefined) return new SandglassError("CONNECTION_LIMIT_REACHED", reason);
    if (rawHeaders.length / 2 > this.#maxHeaders) {
      return new SandglassError("HEADERS_TOO_LARGE", `more than ${this.#maxHeaders} headers`, {
        hint: "the limit is the option limits.headerCount",
      });
    }
    if (httpVersion !== "1.1") return undefined;
    if (headers.host === undefined)
      return new SandglassError("INVALID_REQUEST", "the Host header is missing");
    // This one Node has met by now.
    if (headers.expect !== undefined && !/\b100-continue\b/i.test(headers.expect))
      return new SandglassError("INVALID_REQUEST", "nothing can be expected but 100-continue");
    return undefined;
  }

  #dispatch(request: IncomingMessage, response: ServerResponse, record: RequestRecord): void {
    if (this.#serve === undefined || response.destroyed) return;
    this.#serve.onRequest(record, request, response);
    this.#serve.listener(request, response);
  }

  #answerEarlyProbe(request: IncomingMessage, response: ServerResponse, record: RequestRecord): boolean {
    if (request.url !== "/healthz" && request.url !== "/readyz") return false;
    const text = JSON.stringify({
      status: "starting",
      version: this.#version,
      uptimeMs: Math.round(performance.now() - this.#startedAt),
    });
    writeHead(record, response, request.url === "/healthz" ? 200 : 503, {
      "content-type": "application/json; charset=utf-8",
      "content-length": Buffer.byteLength(text),
    });
    response.end(text);
    return true;
  }
}

function identityOf({ cert, key }: Pick<TlsIdentity, "cert" | "key">) {
  return { cert, key, minVersion: "TLSv1.2" } as const;
}

const MALFORMED: Readonly<Record<string, readonly [status: number, code: ErrorCode]>> = {
  HPE_HEADER_OVERFLOW: [431, "HEADERS_TOO_LARGE"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "REQUEST_TOO_SLOW"],
};

type ParseError = NodeJS.ErrnoException & { rawPacket?: Buffer };

/** What is not HTTP, or not soon enough. There is no request to make an event of; the answer has the catalogue's form all the same. */
function answerMalformed(error: ParseError, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET" || (socket as Socket).bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const [status, code] = MALFORMED[error.code ?? ""] ?? [400, "INVALID_REQUEST"];
  const requestId = newRequestId();
  const text = JSON.stringify({ error: { code, message: STATUS_CODES[status], requestId } });
  // What is left of the request says whether its answer may have a body.
  const isHead = error.rawPacket?.subarray(0, 5).toString("latin1") === "HEAD ";
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `x-request-id: ${requestId}\r\ncontent-length: ${Buffer.byteLength(text)}\r\nx-error-code: ${code}\r\n` +
      `x-content-type-options: nosniff\r\n\r\n${isHead ? "" : text}`,
    () => socket.destroy(),
  );
}
