import {
  Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { pipeline } from "node:stream/promises";
import { SandglassError } from "@sandglass/protocol";
import { type ClientRefusal, type Collector, refuseRequest, refuseWithoutKey } from "@sandglass/telemetry";
import { requireScope, TELEMETRY_SCOPE } from "../auth.ts";
import { answerError } from "./error-answer.ts";
import type { KeyGate } from "./key-gate.ts";
import { RateLimitedError } from "./rate-limited-error.ts";
import type { RequestGuard } from "./request-guard.ts";
import { recordOf } from "./request-record.ts";
import { type NoSlot, RequestSlots } from "./request-slots.ts";

const PREFIX = "/otlp";
/** Of the answer, what its sender is told. */
const ANSWER_HEADERS = ["content-type", "content-length", "retry-after", "allow"];
/** Of the request, what the collector needs to read it. */
const REQUEST_HEADERS = ["content-type", "content-length", "content-encoding", "transfer-encoding"];
/** Requests at once of one organisation, and of all. */
const MAX_PER_ORGANISATION = 32;
const MAX_REQUESTS = 512;
/** Longer than the collector waits for a body. */
const TIMEOUT_MS = 40_000;
/** When to come again. */
const RETRY_MS = 1_000;

const UNAVAILABLE: ClientRefusal = {
  status: 503,
  message: "telemetry cannot be taken right now: send it again",
  retryAfterMs: RETRY_MS,
};
const FULL: Readonly<Record<NoSlot, ClientRefusal>> = {
  organisation: {
    status: 429,
    message: "too many requests of this organisation at once",
    retryAfterMs: RETRY_MS,
  },
  all: { status: 503, message: "too many requests at once", retryAfterMs: RETRY_MS },
};
/** What they are counted as. */
const REASONS: Readonly<Record<NoSlot, string>> = { organisation: "in_flight", all: "overloaded" };

export interface OtlpIntakeOptions {
  /** Requests at once. Default 32 of one organisation, 512 of all. */
  readonly maxPerOrganisation?: number;
  readonly maxRequests?: number;
  /** How long a request may take from its headers to its answer. Default 40 s. */
  readonly timeoutMs?: number;
}

/**
 * OTLP/HTTP at `/otlp/v1/{traces,logs,metrics}`, with an API key: what an agent's own process has to tell. It is passed on to the
 * collector's process unread, so that it costs this one next to nothing.
 */
export class OtlpIntake {
  readonly #collector: Pick<Collector, "socketPath" | "countRefused">;
  readonly #gate: Pick<KeyGate, "admit" | "hold">;
  readonly #guard: RequestGuard;
  readonly #slots: RequestSlots;
  readonly #timeoutMs: number;
  // The slots bound it. A request that waited for a socket of others would wait for as long as they like.
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 64 });

  constructor(
    collector: Pick<Collector, "socketPath" | "countRefused">,
    gate: Pick<KeyGate, "admit" | "hold">,
    guard: RequestGuard,
    options: OtlpIntakeOptions = {},
  ) {
    const { maxPerOrganisation = MAX_PER_ORGANISATION, maxRequests = MAX_REQUESTS } = options;
    this.#collector = collector;
    this.#gate = gate;
    this.#guard = guard;
    this.#slots = new RequestSlots(maxPerOrganisation, maxRequests);
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  takes({ url = "" }: IncomingMessage): boolean {
    return this.takesPath(url);
  }

  takesPath(path: string): boolean {
    return path.startsWith(`${PREFIX}/`);
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    this.#pass(request, response)
      .catch((error: unknown) => {
        if (error instanceof SandglassError) {
          return answerError(error, request, response, recordOf(request), () => undefined);
        }
        // Its sender has gone or is too slow, or the collector is being started again.
        this.#refuse(request, response, "unavailable", UNAVAILABLE);
      })
      // Whatever it is, it is one sender's.
      .catch(() => response.destroy());
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#guard(request);
    const orgId = this.#admit(request, response);
    if (orgId === undefined) return;
    // Until the collector has told where it is.
    if (this.#collector.socketPath === "") return this.#refuse(request, response, "unavailable", UNAVAILABLE);
    const release = this.#slots.take(orgId);
    if (typeof release === "string") return this.#refuse(request, response, REASONS[release], FULL[release]);
    const answer = await passOn(request, response, this.#open(request, orgId, release), this.#timeoutMs);
    response.writeHead(answer.statusCode ?? 502, picked(answer.headers, ANSWER_HEADERS));
    await pipeline(answer, response);
  }

  #refuse(request: IncomingMessage, response: ServerResponse, reason: string, refusal: ClientRefusal): void {
    this.#collector.countRefused(reason);
    refuseRequest(request, response, refusal);
  }

  /** Whose it is; where it is refused, that is said in the form that OTLP's clients read, and it is undefined. */
  #admit(request: IncomingMessage, response: ServerResponse): string | undefined {
    try {
      const use = this.#gate.admit(request);
      requireScope(use.key, TELEMETRY_SCOPE);
      // What has not come by the time that the key ends is not taken any more.
      response.once(
        "close",
        this.#gate.hold(use, () => response.destroy()),
      );
      return use.key.orgId;
    } catch (error) {
      if (!(error instanceof SandglassError)) throw error;
      const { message } = error;
      if (error instanceof RateLimitedError)
        this.#refuse(request, response, "rate_limited", {
          status: 429,
          message,
          retryAfterMs: error.retryAfterMs,
        });
      else if (error.code === "FORBIDDEN") refuseRequest(request, response, { status: 403, message });
      else refuseWithoutKey(request, response);
      return undefined;
    }
  }

  /** @param release called when it is over */
  #open(
    { method = "POST", url = "", headers }: IncomingMessage,
    orgId: string,
    release: () => void,
  ): ClientRequest {
    try {
      const onward = httpRequest({
        socketPath: this.#collector.socketPath,
        agent: this.#agent,
        method,
        path: url.slice(PREFIX.length),
        headers: { ...picked(headers, REQUEST_HEADERS), "x-sandglass-org": encodeURIComponent(orgId) },
      });
      return onward.once("close", release);
    } catch (error) {
      release();
      throw error;
    }
  }
}

/**
 * Sends the body on. Resolves with the head of the answer, which may come before all of the body is read: the collector throws the
 * rest away. Rejects where there is none; the request can still be answered then, which a pipeline, destroying it, would not allow.
 */
function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  onward: ClientRequest,
  timeoutMs: number,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { socket } = request;
  let isAnswered = false;
  const timer = setTimeout(() => onward.destroy(new Error("it takes too long")), timeoutMs);
  const onGone = (): void => {
    if (!response.writableFinished) onward.destroy();
  };
  onward
    .once("response", (answer) => {
      isAnswered = true;
      resolve(answer);
    })
    .on("error", reject)
    .once("close", () => {
      clearTimeout(timer);
      response.off("close", onGone);
      request.unpipe(onward);
      reject(new Error("there is no answer"));
      // It goes on sending what was refused, and nobody reads that any more.
      if (isAnswered && !request.complete) socket.destroy();
    });
  response.once("close", onGone);
  request.pipe(onward);
  return promise;
}

function picked(headers: IncomingMessage["headers"], names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return typeof value === "string" ? [[name, value]] : [];
    }),
  );
}
