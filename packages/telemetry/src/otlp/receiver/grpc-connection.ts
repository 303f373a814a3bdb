import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { answerStatus } from "./grpc-answer.ts";
import { GrpcCall, type GrpcCallHost } from "./grpc-call.ts";
import { CLIENT_PREFACE, HTTP1_ANSWER, recognisePreface } from "./grpc-preface.ts";
import { CONNECTION_WINDOW_BYTES, SESSION_OPTIONS, STREAM_WINDOW_BYTES } from "./grpc-session-options.ts";
import { GRPC_CODE, type GrpcStatus } from "./grpc-status.ts";
import type { OpenConnection } from "./open-connections.ts";
import type { RequestIntake } from "./request-intake.ts";
import type { Tenant } from "./tenant.ts";

/** How long a connection without calls may take to be closed. */
const LEAVE_MS = 2000;
/** What headers and the frames around a call may take on the wire. */
const CALL_OVERHEAD_BYTES = 4096;
/** What a refused call costs, as if it were read and thrown away. */
const REFUSED_CALL_BYTES = 16 * 1024;
/** What a connection costs, until it has had a call. */
const CONNECTION_BYTES = 16 * 1024;
/** Frames that carry nothing (PING, SETTINGS, RST_STREAM, …) take that much more work than bytes of a body. */
const IDLE_FRAME_COST = 16;

export interface GrpcConnectionOptions {
  readonly intake: RequestIntake;
  /** Whose all its connections are counted as. */
  readonly tenantId: string;
  /** How long a connection may take to say what it speaks. */
  readonly prefaceMs: number;
  /** How long a request may take to arrive. */
  readonly receiveMs: number;
  /** How long a connection without calls is kept. */
  readonly idleMs: number;
  readonly whose: TenantOfCall;
  /** Charges bytes that were read for nothing. @returns false where those are too many */
  readonly waste: (sizeBytes: number) => boolean;
}

/** Whose a call is: by the connection that it came over, or by what its headers prove. Undefined: nobody's. */
export type TenantOfCall = Tenant | ((headers: IncomingHttpHeaders) => Promise<Tenant | undefined>);

/** One socket: first looked at, then a session of HTTP/2 with its calls, at last `leaving`. */
export class GrpcConnection implements GrpcCallHost, OpenConnection {
  readonly socket: Socket;
  readonly tenantId: string;
  readonly intake: RequestIntake;
  readonly receiveMs: number;
  readonly #options: GrpcConnectionOptions;
  readonly #calls = new Set<GrpcCall>();
  #session: ServerHttp2Session | undefined;
  #head: Buffer = Buffer.alloc(0);
  #busyAt = performance.now();
  /** When it is cut; undefined while it is wanted. */
  #leaveBy: number | undefined;
  /** Of what came in. */
  #seenBytes = 0;
  /** Of it, what calls account for, since {@link sweep} looked last. */
  #bodyBytes = 0;
  #calledTimes = 0;
  #refusedTimes = 0;
  #hasCalled = false;
  /** Of which it is not known yet whose they are. */
  #unknownCalls = 0;

  constructor(socket: Socket, options: GrpcConnectionOptions) {
    this.socket = socket;
    this.#options = options;
    this.tenantId = options.tenantId;
    this.intake = options.intake;
    this.receiveMs = options.receiveMs;
    // Said by "close" too; without a listener it would end the process.
    socket.on("error", () => {});
    socket.once("close", () => this.#weigh());
    socket.on("readable", this.#look);
  }

  get isLost(): boolean {
    return this.socket.destroyed || this.#session?.destroyed === true;
  }

  onBody(sizeBytes: number): void {
    this.#bodyBytes += sizeBytes;
  }

  onRefused(): void {
    this.#refusedTimes++;
  }

  onOver(call: GrpcCall): void {
    this.#calls.delete(call);
    this.#busyAt = performance.now();
  }

  /** To be called about once a second. @returns false where the tenant floods the receiver: its connections are to be cut */
  sweep(now: number): boolean {
    const { prefaceMs, idleMs } = this.#options;
    let isStuck = false;
    for (const call of this.#calls) isStuck = call.expire(now) || isStuck;
    const idle = this.#calls.size + this.#unknownCalls === 0 ? now - this.#busyAt : 0;
    if (isStuck || (this.#calls.size === 0 && now > (this.#leaveBy ?? Infinity))) this.cut();
    else if (this.#session === undefined && idle > prefaceMs) this.cut();
    else if (idle > idleMs) this.leave();
    return this.#weigh();
  }

  /** Takes no more calls, and ends when those it has are over. */
  leave(): void {
    this.#leaveBy ??= performance.now() + LEAVE_MS;
    if (this.#session === undefined) this.socket.destroy();
    else this.#session.close();
  }

  /** At once. @param code of HTTP/2: whether its peer is to blame */
  cut(code: number = constants.NGHTTP2_ENHANCE_YOUR_CALM): void {
    if (this.#session?.destroyed === false) {
      this.#session.goaway(code);
      this.#session.destroy();
    }
    this.socket.destroy();
  }

  readonly #look = (): void => {
    const bytes = this.socket.read() as Buffer | null;
    if (bytes === null) return;
    this.#head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
    const preface = recognisePreface(this.#head);
    if (preface === "incomplete") return;
    this.socket.removeListener("readable", this.#look);
    if (preface === "http2") return this.#serve();
    this.#malformed();
    this.#leaveBy = performance.now() + LEAVE_MS;
    if (preface === "other") return void this.socket.destroy();
    // What still comes is thrown away: unread, it would have the answer lost with a reset.
    this.socket.end(HTTP1_ANSWER);
    this.socket.resume();
  };

  #serve(): void {
    const socket = this.socket;
    if (socket.destroyed) return;
    socket.unshift(this.#head);
    this.#head = Buffer.alloc(0);
    const session = performServerHandshake(socket, SESSION_OPTIONS);
    this.#session = session;
    session.on("error", (error: NodeJS.ErrnoException) => {
      // Others are of the socket: it is only over.
      if (error.code?.startsWith("ERR_HTTP2_")) this.#malformed();
    });
    session.on("stream", (stream, headers) => {
      this.#calledTimes++;
      const { whose } = this.#options;
      if (typeof whose === "function") void this.#authorize(stream, headers, whose);
      else this.#begin(stream, headers, whose);
    });
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
  }

  /** It is ended for what is no gRPC, or for a flood of frames. */
  #malformed(): void {
    const { whose } = this.#options;
    if (typeof whose !== "function") this.intake.refused(whose, "malformed", "grpc");
  }

  #begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, tenant: Tenant): void {
    this.#calls.add(new GrpcCall(stream, headers, tenant, this));
  }

  /** Until it is known whose the call is nothing of its body is read: the windows bound what the client can send of it. */
  async #authorize(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    tenantOf: (headers: IncomingHttpHeaders) => Promise<Tenant | undefined>,
  ): Promise<void> {
    stream.on("error", () => {});
    this.#unknownCalls++;
    let status: GrpcStatus = { code: GRPC_CODE.UNAUTHENTICATED, message: "no key, or none that is known" };
    try {
      const tenant = await tenantOf(headers);
      if (stream.destroyed) return;
      if (tenant !== undefined) return this.#begin(stream, headers, tenant);
    } catch {
      // Whoever could tell is not there at the moment, and reports that itself.
      status = { code: GRPC_CODE.UNAVAILABLE, message: "keys cannot be looked at now", retryAfterMs: 1000 };
    } finally {
      this.#unknownCalls--;
    }
    this.#refusedTimes++;
    answerStatus(stream, status);
  }

  /** What came in and is no call's is charged to the tenant: nobody may keep the receiver busy for nothing. */
  #weigh(): boolean {
    const came = this.socket.bytesRead - this.#seenBytes;
    this.#seenBytes += came;
    const expected = this.#bodyBytes + this.#calledTimes * CALL_OVERHEAD_BYTES + CLIENT_PREFACE.length;
    // Bodies of calls of which it is not known yet whose they are wait in the windows.
    const waiting = this.#unknownCalls > 0 ? CONNECTION_WINDOW_BYTES : 0;
    const unread = came - expected - waiting;
    // Clients send on what their window allows until they hear that a call is refused.
    const late = Math.min(Math.max(0, unread), this.#refusedTimes * STREAM_WINDOW_BYTES);
    const empty = Math.max(0, unread - late) * IDLE_FRAME_COST;
    this.#hasCalled ||= this.#calledTimes > 0;
    const unused = this.socket.destroyed && !this.#hasCalled ? CONNECTION_BYTES : 0;
    const waste = late + empty + unused + this.#refusedTimes * REFUSED_CALL_BYTES;
    this.#bodyBytes = 0;
    this.#calledTimes = 0;
    this.#refusedTimes = 0;
    return waste === 0 || this.#options.waste(waste);
  }
}
