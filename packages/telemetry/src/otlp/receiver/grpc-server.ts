import { constants, type IncomingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import { GrpcConnection, type TenantOfCall } from "./grpc-connection.ts";
import { OpenConnections } from "./open-connections.ts";
import type { RequestIntake } from "./request-intake.ts";
import type { Tenant } from "./tenant.ts";
import { TokenBucket } from "./token-bucket.ts";

const SWEEP_MS = 1000;
/** Of clients with keys, all together. */
const MAX_KEYED_CONNECTIONS = 1000;
/** What one such connection may waste a second. */
const KEYED_WASTE_BYTES = 16 * 1024 * 1024;
const KEYED = "keyed";

export interface OtlpGrpcServerOptions {
  readonly intake: RequestIntake;
  /** How long a connection may take to say what it speaks. Default 10 s. */
  readonly prefaceMs?: number;
  /** How long a request may take to arrive, however it trickles, and its answer to be read. Default 30 s. */
  readonly receiveMs?: number;
  /** How long a connection without calls is kept. Default 5 min. */
  readonly idleMs?: number;
}

/**
 * OTLP/gRPC (OTLP 1.11) for all senders: it listens nowhere, and is given connections. On Node's own HTTP/2 instead of grpc-js,
 * whose server keeps whole messages before anybody is asked, has no limit that several connections share, and cannot be given a
 * socket together with whose it is.
 *
 * Nothing that a peer sends makes it throw.
 *
 * @example
 * const server = new OtlpGrpcServer({ intake });
 * net.createServer((socket) => server.serve(socket, tenant)).listen(handle);
 */
export class OtlpGrpcServer {
  readonly #options: Required<OtlpGrpcServerOptions>;
  readonly #connections = new OpenConnections<GrpcConnection>();
  #sweeper: NodeJS.Timeout | undefined;
  #isClosing = false;

  constructor(options: OtlpGrpcServerOptions) {
    this.#options = { prefaceMs: 10_000, receiveMs: 30_000, idleMs: 300_000, ...options };
  }

  /** Takes a connection over, which is destroyed where the tenant may have no more of them. All its calls are the tenant's. */
  serve(socket: Socket, tenant: Tenant): void {
    const { intake } = this.#options;
    const release = this.#isClosing ? undefined : intake.connect(tenant, "grpc");
    if (release === undefined) return refuse(socket);
    socket.once("close", release);
    this.#take(socket, tenant.id, tenant, (sizeBytes) => intake.waste(tenant, sizeBytes));
  }

  /**
   * Takes a connection over whose calls each have to prove whose they are.
   *
   * @param tenantOf by the headers of a call; undefined: it is answered UNAUTHENTICATED; rejects: UNAVAILABLE
   */
  serveCalls(socket: Socket, tenantOf: (headers: IncomingHttpHeaders) => Promise<Tenant | undefined>): void {
    if (this.#isClosing || this.#connections.ofTenant(KEYED).size >= MAX_KEYED_CONNECTIONS)
      return refuse(socket);
    const waste = new TokenBucket();
    this.#take(socket, KEYED, tenantOf, (sizeBytes) => {
      waste.spend(sizeBytes, KEYED_WASTE_BYTES, performance.now());
      return waste.waitFor(1, KEYED_WASTE_BYTES, performance.now()) === 0;
    });
  }

  /**
   * Resolves when the tenant has no connection left, and what came over them is durable or refused.
   *
   * @param deadlineMs when those that are still there are cut. Default: never
   */
  async drained(tenantId: string, deadlineMs?: number): Promise<void> {
    const timer = deadlineMs === undefined ? undefined : setTimeout(() => this.cut(tenantId), deadlineMs);
    await this.#connections.none(tenantId);
    clearTimeout(timer);
    await this.#options.intake.settled(tenantId);
  }

  /** Destroys the tenant's connections. */
  cut(tenantId: string): void {
    for (const connection of this.#connections.ofTenant(tenantId)) connection.cut(constants.NGHTTP2_NO_ERROR);
  }

  /** Takes no more connections, answers what is under way for at most `graceMs`, and resolves when all are closed. */
  async close(graceMs = 5000): Promise<void> {
    this.#isClosing = true;
    for (const connection of this.#connections) connection.leave();
    const timer = setTimeout(() => {
      for (const connection of this.#connections) connection.cut(constants.NGHTTP2_NO_ERROR);
    }, graceMs);
    await this.#connections.noneAtAll();
    clearTimeout(timer);
    clearInterval(this.#sweeper);
  }

  #take(socket: Socket, tenantId: string, whose: TenantOfCall, waste: (sizeBytes: number) => boolean): void {
    const connection = new GrpcConnection(socket, { ...this.#options, tenantId, whose, waste });
    this.#connections.add(connection);
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  #sweep(): void {
    const now = performance.now();
    let isEmpty = true;
    const flooding = new Set<string>();
    for (const connection of this.#connections) {
      isEmpty = false;
      if (connection.sweep(now)) continue;
      if (connection.tenantId === KEYED) connection.cut();
      else flooding.add(connection.tenantId);
    }
    for (const tenantId of flooding) {
      this.#options.intake.refused({ id: tenantId }, "flooding", "grpc");
      for (const connection of this.#connections.ofTenant(tenantId)) connection.cut();
    }
    if (!isEmpty) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

function refuse(socket: Socket): void {
  socket.on("error", () => {}).destroy();
}
