import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { exportAnswer, type HttpAnswer, problemAnswer, refusalAnswer, sendAnswer } from "./http-answer.ts";
import { Body, readBody } from "./http-body.ts";
import { PlainAnswers } from "./http-plain-answer.ts";
import { PlainConnection, type PlainHost } from "./http-plain-connection.ts";
import { type RequestHead, readRequestHead } from "./http-request-head.ts";
import { discardRest } from "./http-unread.ts";
import { inflate } from "./inflate.ts";
import type { IntakeAnswer, Refusal } from "./intake.ts";
import { OpenConnections } from "./open-connections.ts";
import type { RequestIntake } from "./request-intake.ts";
import type { RequestPermit } from "./request-permit.ts";
import type { Tenant } from "./tenant.ts";

const BODY_TIMEOUT_MS = 30_000;
const IDLE_TIMEOUT_MS = 60_000;
const MAX_HEADER_BYTES = 16 * 1024;
/** Processor time of a request beside its body: its head, its answer, and their way through the kernel. */
const REQUEST_WORK_MS = 0.08;

export interface OtlpHttpServerOptions {
  readonly intake: RequestIntake;
  /** How long a body may take from the end of its headers on, however it trickles. Default 30 s. */
  readonly bodyTimeoutMs?: number;
  /** How long a connection may take from one answer to the end of the next request's headers. Default 60 s. */
  readonly idleTimeoutMs?: number;
}

/** A connection that was handed over. */
interface HttpConnection {
  readonly socket: Socket;
  readonly tenant: Tenant;
  readonly tenantId: string;
  readonly idleTimer: NodeJS.Timeout;
  /** Who reads it; undefined once node:http does. */
  plain: PlainConnection | undefined;
  /** Of the first request that node:http is given, where it was refused before. */
  refusal: Refusal | undefined;
  /** Requests that node:http has and that are not answered yet. */
  requests: number;
}

/**
 * OTLP/HTTP (OTLP 1.11) for all senders: it listens nowhere, and is given connections. Whose a request is tells the connection that it
 * came in on, never the request. CORS is off: there is no header of it in any answer.
 *
 * @example
 * const server = new OtlpHttpServer({ intake });
 * net.createServer((socket) => server.serve(socket, tenant)).listen(handle);
 */
export class OtlpHttpServer {
  readonly #intake: RequestIntake;
  readonly #bodyTimeoutMs: number;
  readonly #idleTimeoutMs: number;
  readonly #server: Server;
  readonly #connections = new OpenConnections<HttpConnection>();
  readonly #bySocket = new WeakMap<object, HttpConnection>();
  readonly #answers: PlainAnswers;
  #isClosing = false;

  constructor(options: OtlpHttpServerOptions) {
    const { intake, bodyTimeoutMs = BODY_TIMEOUT_MS, idleTimeoutMs = IDLE_TIMEOUT_MS } = options;
    this.#intake = intake;
    this.#bodyTimeoutMs = bodyTimeoutMs;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#answers = new PlainAnswers(idleTimeoutMs);
    // Node's own timeouts for headers and requests hold only in a server that listens.
    this.#server = createServer({
      keepAliveTimeout: idleTimeoutMs,
      headersTimeout: 0,
      requestTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    this.#server.on("request", (request, response) => this.#onRequest(request, response, false));
    this.#server.on("checkContinue", (request, response) => this.#onRequest(request, response, true));
    this.#server.on("clientError", (error, socket) => this.#onClientError(error, socket as Socket));
  }

  /** Takes a connection over, which is destroyed where the tenant may have no more of them. */
  serve(socket: Socket, tenant: Tenant): void {
    const release = this.#isClosing ? undefined : this.#intake.connect(tenant);
    if (release === undefined) {
      socket.on("error", () => {}).destroy();
      return;
    }
    const idleTimer = setTimeout(() => this.#onIdle(connection), this.#idleTimeoutMs);
    const connection: HttpConnection = {
      socket,
      tenant,
      tenantId: tenant.id,
      idleTimer,
      plain: undefined,
      refusal: undefined,
      requests: 0,
    };
    socket.once("close", () => {
      clearTimeout(idleTimer);
      release();
    });
    this.#connections.add(connection);
    this.#bySocket.set(socket, connection);
    // As `http.Server` makes those that it accepts itself.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    connection.plain = new PlainConnection(socket, this.#hostOf(connection));
  }

  /**
   * Answers one request, of whatever server.
   *
   * @param path without the server's base: `/v1/traces`
   * @param awaitsContinue its sender waits for a word before it sends the body
   */
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    tenant: Tenant,
    path: string,
    awaitsContinue = false,
  ): Promise<void> {
    return this.#handle(request, response, tenant, path, awaitsContinue, undefined);
  }

  /** @param refused where it is known already that it is not taken */
  async #handle(
    request: IncomingMessage,
    response: ServerResponse,
    tenant: Tenant,
    path: string,
    awaitsContinue: boolean,
    refused: Refusal | undefined,
  ): Promise<void> {
    const discard = (): boolean => discardRest(request, this.#intake, tenant, this.#bodyTimeoutMs);
    const head = readRequestHead(request, tenant, path);
    if ("status" in head) {
      this.#intake.refused(tenant, "unsupported");
      if (awaitsContinue) endAfter(response);
      if (discard()) sendAnswer(response, problemAnswer(head));
      return;
    }
    const permit = refused ?? this.#intake.admit(tenant, head.contentLength);
    if ("status" in permit) {
      if (awaitsContinue) endAfter(response);
      if (discard()) sendAnswer(response, refusalAnswer(permit, head.encoding));
      return;
    }
    permit.spendWork(REQUEST_WORK_MS);
    if (awaitsContinue) response.writeContinue();
    const answer = await this.#read(request, head, permit).catch((error) => this.#intake.fail(permit, error));
    if (answer === undefined) {
      request.socket.destroy();
      return;
    }
    if (request.complete || discard()) sendAnswer(response, exportAnswer(head.signal, answer, head.encoding));
  }

  /** Resolves when the tenant has no connection left, and what came over them is durable or refused. Closes none. */
  async drained(tenantId: string): Promise<void> {
    await this.#connections.none(tenantId);
    await this.#intake.settled(tenantId);
  }

  /** Destroys the tenant's connections. */
  cut(tenantId: string): void {
    for (const { socket } of this.#connections.ofTenant(tenantId)) socket.destroy();
  }

  /** Takes no more connections, answers what is being read for at most `graceMs`, and resolves when all are closed. */
  async close(graceMs = 5000): Promise<void> {
    this.#isClosing = true;
    for (const connection of this.#connections) if (!isBusy(connection)) connection.socket.destroy();
    const timer = setTimeout(() => {
      for (const { socket } of this.#connections) socket.destroy();
    }, graceMs);
    await this.#connections.noneAtAll();
    clearTimeout(timer);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const connection = this.#bySocket.get(request.socket);
    // What came along with what made its connection be cut.
    if (connection === undefined || request.socket.destroyed) return;
    connection.requests++;
    response.once("close", () => {
      connection.requests--;
      this.#answered(connection);
    });
    const { tenant, refusal } = connection;
    connection.refusal = undefined;
    void this.#handle(request, response, tenant, request.url ?? "/", awaitsContinue, refusal);
  }

  #hostOf(connection: HttpConnection): PlainHost {
    const { tenant, socket } = connection;
    return {
      bodyTimeoutMs: this.#bodyTimeoutMs,
      admit: ({ contentLength }) => {
        const permit = this.#intake.admit(tenant, contentLength);
        if (!("status" in permit)) permit.spendWork(REQUEST_WORK_MS);
        return permit;
      },
      take: (permit, head, body) => this.#takePlain(permit, head, body),
      encode: (answer) => this.#answers.encode(answer),
      answered: () => this.#answered(connection),
      handOver: (refusal) => {
        connection.plain = undefined;
        connection.refusal = refusal;
        this.#server.emit("connection", socket);
      },
    };
  }

  /** @returns whether it is kept */
  #answered(connection: HttpConnection): boolean {
    if (this.#isClosing && !isBusy(connection)) {
      connection.socket.destroySoon();
      return false;
    }
    connection.idleTimer.refresh();
    return true;
  }

  async #takePlain(permit: RequestPermit, head: RequestHead, body: Body): Promise<HttpAnswer> {
    const answer = await this.#take(permit, head, body).catch((error) => this.#intake.fail(permit, error));
    return exportAnswer(head.signal, answer, head.encoding);
  }

  /** The answer; undefined where there is nobody to answer, or who is not worth one. */
  async #read(
    request: IncomingMessage,
    head: RequestHead,
    permit: RequestPermit,
  ): Promise<IntakeAnswer | undefined> {
    const body = await readBody(request, permit, head.contentLength, this.#bodyTimeoutMs);
    if (typeof body === "string") return undefined;
    return body instanceof Body ? this.#take(permit, head, body) : body;
  }

  async #take(
    permit: RequestPermit,
    { signal, encoding, isGzip }: RequestHead,
    body: Body,
  ): Promise<IntakeAnswer> {
    try {
      const bytes = isGzip ? await inflate(body.bytes, encoding, permit) : body.bytes;
      // It has done with the bytes when it returns, before it resolves.
      return bytes instanceof Uint8Array ? this.#intake.accept(permit, signal, bytes, encoding) : bytes;
    } finally {
      body.release();
    }
  }

  #onIdle(connection: HttpConnection): void {
    if (isBusy(connection)) connection.idleTimer.refresh();
    else connection.socket.destroy();
  }

  /** Of what is no HTTP. */
  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    // One that ends in the middle of something is not, it is only over.
    const isMalformed = error.code?.startsWith("HPE_") === true && error.code !== "HPE_INVALID_EOF_STATE";
    if (isMalformed) {
      const tenant = this.#bySocket.get(socket)?.tenant;
      if (tenant !== undefined) this.#intake.refused(tenant, "malformed");
      const status =
        error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
      if (socket.writable)
        socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
    socket.destroySoon();
  }
}

function isBusy({ requests, plain }: HttpConnection): boolean {
  return requests > 0 || plain?.isBusy === true;
}

/** Where the sender was not told to go on, it may leave the body out or not: nobody knows what comes next. */
function endAfter(response: ServerResponse): void {
  response.setHeader("connection", "close");
}
