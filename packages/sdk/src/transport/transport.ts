import { randomUUID } from "node:crypto";
import { Agent as HttpAgent, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Attributes } from "@opentelemetry/api";
import { ROUTES } from "@sandglass/protocol";
import { missingKeyHint } from "../credentials.ts";
import { ConnectionError, errorFromAnswer, SandglassError } from "../errors.ts";
import { Instruments } from "../otel/instruments.ts";
import { Operation } from "../otel/operation.ts";
import { operationStart } from "../otel/operation-start.ts";
import { readBody } from "./body.ts";
import { type Call, pathOf } from "./call.ts";
import { toConnectionError } from "./connection-error.ts";
import { exchange, type WireRequest } from "./exchange.ts";
import { isConnectionReset, REQUEST_BACKOFF, waitToRetry } from "./retry.ts";

/** Longer than any error answer of the catalogue. */
const MAX_ERROR_BYTES = 64 * 1024;

export interface TransportOptions {
  /** As `resolveBaseUrl` gives it. */
  baseUrl: string;
  /** Asked before each request: a daemon started later may have written it meanwhile. */
  apiKey: () => string | undefined;
  /** Milliseconds; 0 is unlimited. Default 60,000. */
  requestTimeoutMs?: number | undefined;
  /** Milliseconds; 0 leaves it to the operating system. Default 10,000. */
  connectTimeoutMs?: number | undefined;
  /** How often in a row a broken stream is picked up again. */
  streamRetries?: number | undefined;
  userAgent: string;
  /** Certificates to trust, in PEM form; default: those that Node trusts. */
  authorities?: string[] | undefined;
  /** Where its telemetry goes; default: to the providers that the program has registered. */
  instruments?: Instruments;
}

/** A successful answer whose body was read. */
export interface Answer<T> {
  value: T;
  response: IncomingMessage;
}

/**
 * Sends calls over kept connections: keep-alive, no Nagle delay, last used first. An idle connection does not keep the process alive.
 *
 * A call whose connection is reset is sent again with growing waits: reads and deletes because they may be, POSTs because
 * each carries an `Idempotency-Key`. An answer, whatever its status, is never retried.
 */
export class Transport {
  readonly baseUrl: string;
  readonly streamRetries: number | undefined;
  readonly #url: URL;
  readonly #agent: HttpAgent;
  readonly #options: TransportOptions;
  readonly #instruments: Instruments;
  #isClosed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#instruments = options.instruments ?? new Instruments();
    this.baseUrl = options.baseUrl;
    this.streamRetries = options.streamRetries;
    this.#url = new URL(options.baseUrl);
    const agentOptions = { keepAlive: true, noDelay: true, scheduling: "lifo" } as const;
    const trust = options.authorities === undefined ? {} : { ca: options.authorities };
    this.#agent =
      this.#url.protocol === "https:"
        ? new HttpsAgent({ ...agentOptions, ...trust })
        : new HttpAgent(agentOptions);
  }

  /**
   * Calls and parses the JSON answer; undefined where the answer has no body.
   *
   * @param describe what telemetry is told of the answer
   */
  json<T>(call: Call, describe?: (value: T) => Attributes): Promise<Answer<T>> {
    return this.#during(call, async (operation) => {
      const { value: body, response } = await this.#whole(call, operation);
      if (body.length === 0) return { value: undefined as T, response };
      const value = this.#parse<T>(body);
      if (describe !== undefined) operation.set(describe(value));
      return { value, response };
    });
  }

  /** Calls and reads the whole answer. */
  bytes(call: Call): Promise<Answer<Buffer>> {
    return this.#during(call, (operation) => this.#whole(call, operation));
  }

  /**
   * Calls and hands over the answer as it begins; its body has to be read to the end, or destroyed. The operation ends with
   * the body, unless it is the caller's.
   */
  async stream(call: Call): Promise<IncomingMessage> {
    const operation = call.operation ?? (await this.begin(call));
    try {
      const response = await this.#withRetry(call, operation, false, async (answer) => answer);
      if (call.operation === undefined) endWith(response, operation, this.baseUrl);
      return response;
    } catch (error) {
      if (call.operation === undefined) operation.fail(error);
      throw error;
    }
  }

  /** Begins the operation of a call, to be given to it and its successors, and to be ended. */
  async begin(call: Call): Promise<Operation> {
    const loading = this.#instruments.ready();
    if (loading !== undefined) await loading;
    return new Operation(this.#instruments, operationStart(call, this.#url));
  }

  /** Closes every connection; what is under way fails with a ConnectionError. */
  close(): void {
    this.#isClosed = true;
    this.#agent.destroy();
  }

  #parse<T>(body: Buffer): T {
    try {
      return JSON.parse(body.toString("utf8")) as T;
    } catch (cause) {
      throw new ConnectionError(`what listens at ${this.baseUrl} does not answer in JSON`, {
        hint: "is it a Sandglass daemon? check SANDGLASS_URL or baseUrl",
        cause,
      });
    }
  }

  async #during<T>(call: Call, work: (operation: Operation) => Promise<T>): Promise<T> {
    const operation = await this.begin(call);
    try {
      const value = await work(operation);
      operation.end();
      return value;
    } catch (error) {
      if (error instanceof SandglassError && error.code === call.expects) operation.end();
      else operation.fail(error);
      throw error;
    }
  }

  #whole(call: Call, operation: Operation): Promise<Answer<Buffer>> {
    return this.#withRetry(call, operation, true, async (response) => ({
      value: await readBody(response),
      response,
    }));
  }

  async #withRetry<T>(
    call: Call,
    operation: Operation,
    isTimeoutForBody: boolean,
    read: (response: IncomingMessage) => Promise<T>,
  ): Promise<T> {
    const wire = this.#wireRequest(call, operation, isTimeoutForBody);
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await exchange(wire);
        operation.answered(response);
        if ((response.statusCode ?? 0) < 300) return await read(response);
        throw await this.#errorOf(response, wire);
      } catch (error) {
        // Whatever the reason is, a code of its own included, it is the caller's and no broken connection.
        if (call.signal?.aborted) throw call.signal.reason;
        const isRepeatable = !this.#isClosed && isConnectionReset(error) && isReplayable(wire.body);
        if (!isRepeatable || attempt === REQUEST_BACKOFF.tries) throw toConnectionError(error, this.baseUrl);
        operation.resent(error);
      }
      await waitToRetry(REQUEST_BACKOFF, attempt, call.signal);
    }
  }

  #wireRequest(call: Call, operation: Operation, isTimeoutForBody: boolean): WireRequest {
    const { method } = ROUTES[call.route];
    const body = call.json === undefined ? call.bytes : JSON.stringify(call.json);
    const apiKey = this.#options.apiKey();
    const headers: Record<string, string> = {
      "user-agent": this.#options.userAgent,
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      ...(method === "POST" && { "idempotency-key": randomUUID() }),
      ...(call.json !== undefined && { "content-type": "application/json" }),
      ...(call.bytes !== undefined && { "content-type": "application/octet-stream" }),
      ...lengthHeader(body, method),
      ...operation.headers,
      ...call.headers,
    };
    return {
      baseUrl: this.#url,
      agent: this.#agent,
      method,
      path: this.#url.pathname.replace(/\/+$/, "") + pathOf(call),
      headers,
      body,
      signal: call.signal,
      timeoutMs: call.timeoutMs ?? this.#options.requestTimeoutMs ?? 60_000,
      connectTimeoutMs: this.#options.connectTimeoutMs ?? 10_000,
      isTimeoutForBody,
      context: operation.requestContext,
    };
  }

  async #errorOf(response: IncomingMessage, { headers }: WireRequest): Promise<Error> {
    const body = await readBody(response, MAX_ERROR_BYTES);
    const error = errorFromAnswer({
      status: response.statusCode ?? 0,
      body: body.toString("utf8"),
      requestId: headerOf(response, "x-request-id"),
      code: headerOf(response, "x-error-code"),
      message: headerOf(response, "x-error-message"),
    });
    if (error.code !== "UNAUTHORIZED" || headers.authorization !== undefined) return error;
    // Where the key was looked for is known here alone.
    const { code, message, requestId } = error;
    return new SandglassError(code, message, { hint: missingKeyHint(this.baseUrl), requestId });
  }
}

/** Whoever leaves a body early has got what it came for; one that breaks has not. */
function endWith(response: IncomingMessage, operation: Operation, baseUrl: string): void {
  response.once("close", () => {
    if (response.errored === null) operation.end();
    else operation.fail(toConnectionError(response.errored, baseUrl));
  });
}

function headerOf(response: IncomingMessage, name: string): string | undefined {
  const value = response.headers[name];
  return typeof value === "string" ? value : undefined;
}

function lengthHeader(body: WireRequest["body"], method: string): Record<string, string> {
  if (typeof body === "string") return { "content-length": String(Buffer.byteLength(body)) };
  if (body instanceof Uint8Array) return { "content-length": String(body.byteLength) };
  // Without it node:http announces a chunked body for a POST that has none.
  return body === undefined && method !== "GET" && method !== "HEAD" ? { "content-length": "0" } : {};
}

/** A body that can be iterated only once may be half gone. */
function isReplayable(body: WireRequest["body"]): boolean {
  return body === undefined || typeof body === "string" || body instanceof Uint8Array;
}
