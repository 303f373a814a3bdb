import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Turns } from "../turns.ts";
import { NO_REQUEST, type ProxyReport } from "./egress-messages.ts";
import {
  type DenialReason,
  type EgressPolicy,
  type EgressTarget,
  type OwnerRefusal,
  refusalOf,
} from "./egress-policy.ts";
import { hostOf, targetOfAuthority, targetOfUrl } from "./egress-target.ts";
import { forwardRequest } from "./forward-request.ts";
import { openTunnel } from "./open-tunnel.ts";
import { Passage } from "./passage.ts";
import { PROXY_LIMITS, type ProxyLimits } from "./proxy-limits.ts";
import { answerConnect, answerRequest, REFUSALS, UNREACHABLE } from "./refusal-answers.ts";
import { isFramingAmbiguous } from "./request-headers.ts";
import { type Resolve, resolveByHost, resolveTarget, resolveUpstream } from "./resolve-target.ts";
import { TokenBucket } from "./token-bucket.ts";
import type { UpstreamProxy } from "./upstream-proxy.ts";

export interface SandboxProxyOptions {
  sandboxId: string;
  policy: EgressPolicy;
  /** Numbers a request and tells of it; resolves when it may be decided on, or with why it is refused. */
  own(sandboxId: string, socket: Socket): { request: number; owned: Promise<OwnerRefusal | undefined> };
  report(report: ProxyReport): void;
  limits?: ProxyLimits;
  resolve?: Resolve;
  /** What everything is passed on to that is let out; it resolves names. */
  upstream?: UpstreamProxy | undefined;
}

/** Where it is not 403. */
const STATUSES: Partial<Record<DenialReason, number>> = { bad_request: 400, rate_limited: 429 };

/** How an answer is given where nothing was reached. */
type Answer = (status: number, text: string, reason: string) => void;

/** The proxy of one sandbox: whatever connects to its socket is that sandbox's. Each request is a decision of its own. */
export class SandboxProxy {
  readonly #options: SandboxProxyOptions;
  readonly #limits: ProxyLimits;
  readonly #server: Server;
  readonly #bucket: TokenBucket;
  readonly #lookups: Turns;
  readonly #sockets = new Set<Socket>();
  readonly #passages = new Set<Passage>();
  /** Requests that wait for a decision, and what was let out and is not over: one connection may carry many. */
  #underWay = 0;
  #isClosed = false;

  /** @param socket a listening one, as Node hands it around */
  constructor(options: SandboxProxyOptions, socket: object) {
    this.#options = options;
    const limits = options.limits ?? PROXY_LIMITS;
    this.#limits = limits;
    this.#bucket = new TokenBucket(limits.requestsPerSecond, limits.requestsPerSecond);
    this.#lookups = new Turns(limits.maxLookups);
    this.#server = createServer({
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      // Bodies take as long as they take: what stands still is ended for that.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs),
      insecureHTTPParser: false,
    });
    this.#server.maxConnections = limits.maxConnections;
    this.#server.on("connection", (client) => this.#connected(client));
    this.#server.on("drop", () => this.#deny(NO_REQUEST, undefined, "too_many_connections"));
    this.#server.on("request", (request, response) => void this.#request(request, response));
    this.#server.on(
      "connect",
      (request, client, head) => void this.#connect(request, client as Socket, head),
    );
    this.#server.on("clientError", (error, client) => this.#garbled(error, client as Socket));
    this.#server.listen(socket);
  }

  /** Cuts everything. Resolves when it is told of. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    for (const passage of [...this.#passages]) passage.end("sandbox_ended");
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #connected(client: Socket): void {
    this.#sockets.add(client);
    client.once("close", () => this.#sockets.delete(client));
    client.on("error", () => client.destroy()); // its end is seen by whatever it was for
    client.setTimeout(this.#limits.idleTimeoutMs, () => client.destroy());
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const found = targetOfUrl(request.url ?? "");
    const isSound = !isFramingAmbiguous(request.rawHeaders, request.httpVersion);
    const answer: Answer = (status, text, reason) => answerRequest(response, status, text, reason);
    const passage = await this.#admit(request.socket, isSound ? found?.target : undefined, answer, false);
    if (passage === undefined) return;
    forwardRequest(passage, { request, response, target: passage.target, path: found?.path ?? "/" });
  }

  async #connect(request: IncomingMessage, client: Socket, head: Buffer): Promise<void> {
    // What a tunnel carries is no request of ours: Node watches it no longer.
    const target = targetOfAuthority(request.url ?? "");
    const hasBody = ["content-length", "transfer-encoding"].some((name) => name in request.headers);
    const answer: Answer = (status, text, reason) => answerConnect(client, status, text, reason);
    const passage = await this.#admit(client, hasBody ? undefined : target, answer, true);
    if (passage !== undefined) openTunnel(passage, client, head);
  }

  /** Something to pass through, or undefined where the request is answered already. */
  async #admit(
    client: Socket,
    target: EgressTarget | undefined,
    answer: Answer,
    isTunnel: boolean,
  ): Promise<Passage | undefined> {
    const excess = this.#excess();
    if (excess !== undefined) {
      this.#deny(NO_REQUEST, target, excess);
      answer(429, REFUSALS[excess](target), excess);
      return undefined;
    }
    this.#underWay++;
    let passage: Passage | undefined;
    try {
      passage = await this.#decide(client, target, answer, isTunnel);
    } finally {
      if (passage === undefined) this.#underWay--;
    }
    passage?.ended.then(() => this.#underWay--);
    return passage;
  }

  #excess(): DenialReason | undefined {
    if (!this.#bucket.take()) return "rate_limited";
    return this.#underWay < this.#limits.maxConnections ? undefined : "too_many_connections";
  }

  async #decide(
    client: Socket,
    target: EgressTarget | undefined,
    answer: Answer,
    isTunnel: boolean,
  ): Promise<Passage | undefined> {
    const { sandboxId, own, policy, resolve = resolveByHost, report, upstream } = this.#options;
    const { request, owned } = own(sandboxId, client);
    const ownerRefusal = await owned;
    const refuse = (reason: DenialReason): undefined => {
      this.#deny(request, target, reason);
      answer(STATUSES[reason] ?? 403, REFUSALS[reason](target), reason);
    };
    if (ownerRefusal === "rate_limited") return refuse(ownerRefusal);
    if (target === undefined) return refuse("bad_request");
    // Before anything is resolved, which would tell whoever answers for the name. What the policy says of it says more.
    if (ownerRefusal !== undefined) return refuse(refusalOf(policy, target) ?? ownerRefusal);
    const found =
      upstream === undefined
        ? await this.#lookups.run(() => resolveTarget(policy, target, resolve))
        : resolveUpstream(policy, target, upstream);
    if ("refusal" in found) return refuse(found.refusal);
    const via = upstream && { proxy: upstream, isTunnel };
    const passage = new Passage({ request, sandboxId, target, report, limits: this.#limits, via });
    this.#passages.add(passage);
    passage.ended.then(() => this.#passages.delete(passage));
    if ("error" in found || this.#isClosed) {
      const error = "error" in found ? found.error : "sandbox_ended";
      passage.end(error);
      answer(502, UNREACHABLE(target, error), error);
      return undefined;
    }
    passage.onUnreachable = (error) =>
      answer(error === "connect_timeout" ? 504 : 502, UNREACHABLE(target, error), error);
    if (await passage.connect(found.addresses, client)) return passage;
    return undefined;
  }

  #deny(request: number, target: EgressTarget | undefined, reason: DenialReason): void {
    const { sandboxId, report } = this.#options;
    const where = target === undefined ? { host: "", port: 0 } : { host: hostOf(target), port: target.port };
    report({ kind: "denied", request, sandboxId, ...where, reason });
  }

  /** What no parser takes for a request; one that is only cut off or late is nobody's attempt to reach anything. */
  #garbled(error: NodeJS.ErrnoException, client: Socket): void {
    const isGarbled = error.code?.startsWith("HPE_") === true && error.code !== "HPE_INVALID_EOF_STATE";
    if (isGarbled) this.#deny(NO_REQUEST, undefined, "bad_request");
    if (client.writable && isGarbled) {
      const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
      answerConnect(client, status, REFUSALS.bad_request(undefined), "bad_request");
    } else client.destroy();
  }
}
