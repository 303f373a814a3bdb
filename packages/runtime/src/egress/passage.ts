import { connect, type LookupFunction, type Socket } from "node:net";
import type { ProxyReport } from "./egress-messages.ts";
import type { EgressTarget } from "./egress-policy.ts";
import { hostOf } from "./egress-target.ts";
import type { ProxyLimits } from "./proxy-limits.ts";
import { askForTunnel, type UpstreamProxy } from "./upstream-proxy.ts";

/** One after the other at most: a name with many addresses is not a way to keep a connection busy. */
const MAX_ADDRESSES = 4;
const TRAFFIC_EVERY_MS = 500;
const NO_LOOKUP: LookupFunction = (_name, _options, callback) => callback(new Error("not an address"), "");

/** The proxy that it goes through, and whether that is asked for a tunnel or for the request itself. */
interface Via {
  readonly proxy: UpstreamProxy;
  readonly isTunnel: boolean;
}

/** Something that was let out: a connection to one destination, from the decision to its end, which is told exactly once. */
export class Passage {
  readonly target: EgressTarget;
  readonly via: Via | undefined;
  /** Resolves when its end is told. */
  readonly ended: Promise<void>;
  /** Told once, where no address answers. */
  onUnreachable: ((error: string) => void) | undefined;
  readonly #request: number;
  readonly #sandboxId: string;
  readonly #limits: ProxyLimits;
  readonly #report: (report: ProxyReport) => void;
  readonly #startedAt = performance.now();
  readonly #resolveEnded: () => void;
  #client: Socket | undefined;
  #upstream: Socket | undefined;
  #traffic: NodeJS.Timeout | undefined;
  #told = { bytesIn: 0, bytesOut: 0 };
  /** What was said to another proxy, before anything of the client's. */
  #asked = { bytesIn: 0, bytesOut: 0 };
  #isOver = false;
  readonly #onClientClose = (): void => this.#clientGone();

  constructor(parts: {
    request: number;
    sandboxId: string;
    target: EgressTarget;
    limits: ProxyLimits;
    via?: Via | undefined;
    report(report: ProxyReport): void;
  }) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#resolveEnded = resolve;
    this.#request = parts.request;
    this.#sandboxId = parts.sandboxId;
    this.target = parts.target;
    this.via = parts.via;
    this.#limits = parts.limits;
    this.#report = parts.report;
    this.#report({ kind: "opened", ...this.#place() });
  }

  /** The connection to the destination. Only after {@link connect}. */
  get upstream(): Socket {
    return this.#upstream as Socket;
  }

  /** Connects to the first of these addresses that answers. False where none does or the client has gone: then it is over. */
  async connect(addresses: readonly string[], client: Socket): Promise<boolean> {
    this.#client = client;
    if (client.destroyed) this.end("client_gone");
    // A connection that is kept has many requests.
    else client.once("close", this.#onClientClose);
    let error = "client_gone";
    for (const address of addresses.slice(0, MAX_ADDRESSES)) {
      if (this.#isOver) return false;
      const outcome = await this.#try(address);
      if (outcome === undefined) return this.#connected();
      error = outcome;
    }
    if (this.#isOver) return false;
    this.end(error);
    this.onUnreachable?.(error);
    return false;
  }

  /** @param error what ended it; undefined where it ended by itself. Only the first call counts. */
  end(error?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#traffic);
    this.#client?.off("close", this.#onClientClose);
    const durationMs = Math.round((performance.now() - this.#startedAt) * 1000) / 1000;
    const said = error === undefined ? {} : { error };
    this.#report({ kind: "closed", ...this.#place(), ...this.#bytes(), durationMs, ...said });
    this.#upstream?.destroy();
    this.#resolveEnded();
  }

  /** Resolves with what failed; undefined once it is connected. */
  async #try(address: string): Promise<string | undefined> {
    const socket = connect({
      host: address,
      port: this.via?.proxy.port ?? this.target.port,
      allowHalfOpen: true,
      // An address, which is never looked up: this is the one that was checked. Another proxy may have a name.
      ...(this.via === undefined && { lookup: NO_LOOKUP }),
    });
    this.#upstream = socket;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    socket.setTimeout(this.#limits.connectTimeoutMs, () => resolve("connect_timeout"));
    socket.once("connect", () => resolve(undefined));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "connect_failed"));
    socket.once("close", () => resolve("client_gone"));
    const failure = (await promise) ?? (await this.#ask(socket));
    if (failure !== undefined) {
      socket.on("error", () => {}); // nothing waits for it any more
      socket.destroy();
    }
    return failure;
  }

  /** Resolves with why another proxy opens no tunnel; undefined where there is one, or none is needed. */
  async #ask(socket: Socket): Promise<string | undefined> {
    if (this.via?.isTunnel !== true) return undefined;
    const failure = await askForTunnel(socket, this.via.proxy, this.target);
    const behind = failure === undefined ? socket.readableLength : 0;
    this.#asked = { bytesIn: socket.bytesRead - behind, bytesOut: socket.bytesWritten };
    return failure;
  }

  #connected(): boolean {
    const { upstream } = this;
    if (this.#isOver) {
      upstream.destroy();
      return false;
    }
    upstream.setTimeout(this.#limits.idleTimeoutMs, () => this.#cut("idle_timeout"));
    upstream.on("error", (error: NodeJS.ErrnoException) => this.#cut(error.code ?? "failed"));
    upstream.once("close", () => this.end());
    this.#traffic = setInterval(() => this.#sayTraffic(), TRAFFIC_EVERY_MS);
    return true;
  }

  #cut(error: string): void {
    this.end(error);
    this.#client?.destroy();
  }

  /** What the destination had sent is the client's no more; what the client had sent may still be on its way. */
  #clientGone(): void {
    if (this.#isOver) return;
    const { upstream } = this;
    if (upstream === undefined || upstream.connecting) this.end("client_gone");
    else if (!upstream.writableEnded || upstream.writableLength === 0) this.end();
    else upstream.once("finish", () => this.end());
  }

  #sayTraffic(): void {
    const bytes = this.#bytes();
    if (bytes.bytesIn === this.#told.bytesIn && bytes.bytesOut === this.#told.bytesOut) return;
    this.#told = bytes;
    this.#report({ kind: "traffic", request: this.#request, sandboxId: this.#sandboxId, ...bytes });
  }

  #bytes(): { bytesIn: number; bytesOut: number } {
    const { bytesRead = 0, bytesWritten = 0 } = this.#upstream ?? {};
    const { bytesIn, bytesOut } = this.#asked;
    return { bytesIn: Math.max(0, bytesRead - bytesIn), bytesOut: Math.max(0, bytesWritten - bytesOut) };
  }

  #place(): { request: number; sandboxId: string; host: string; port: number } {
    const { target } = this;
    return { request: this.#request, sandboxId: this.#sandboxId, host: hostOf(target), port: target.port };
  }
}
