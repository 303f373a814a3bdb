import type { Socket } from "node:net";
import type { HttpAnswer } from "./http-answer.ts";
import { Body } from "./http-body.ts";
import { type PlainHead, readPlainHead } from "./http-plain-head.ts";
import type { Refusal } from "./intake.ts";
import type { RequestPermit } from "./request-permit.ts";

/** What a connection that is read here needs of the server. */
export interface PlainHost {
  readonly bodyTimeoutMs: number;
  /** Asked before a request's body is read. */
  admit(head: PlainHead): RequestPermit | Refusal;
  /** Takes a request that is there as a whole, and gives the body back. Never rejects. */
  take(permit: RequestPermit, head: PlainHead, body: Body): Promise<HttpAnswer>;
  /** An answer as it is written; a text is latin1. */
  encode(answer: HttpAnswer): string | Buffer;
  /** A request was answered. @returns whether there may be another */
  answered(): boolean;
  /**
   * From here on the connection is someone else's, beginning with what was read of it and is a request.
   *
   * @param refusal of that request, where {@link PlainHost.admit} was asked already
   */
  handOver(refusal: Refusal | undefined): void;
}

/** A request that is being read. */
interface Reading {
  readonly head: PlainHead;
  readonly permit: RequestPermit;
  readonly body: Body;
  /** Bytes that are missing. */
  missing: number;
}

/**
 * Serves a connection as long as nothing but plain requests comes over it (see {@link readPlainHead}), one after the other: reading them
 * takes a fraction of what a parser of HTTP and its streams take. The first thing that is anything else, and all behind it, is handed
 * over unread, when everything before is answered.
 */
export class PlainConnection {
  readonly #socket: Socket;
  readonly #host: PlainHost;
  #reading: Reading | undefined;
  #isAnswering = false;
  /** What came behind a request that is not answered yet. Nothing more is read then. */
  #rest: Buffer | undefined;
  /** Its sender sends nothing more. */
  #hasEnded = false;
  /** Goes off so long after the last body that did not come at once began. */
  #bodyTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, host: PlainHost) {
    this.#socket = socket;
    this.#host = host;
    // Said by "close" too; without a listener it would end the process.
    socket.on("error", ignore).on("close", this.#onClose).on("end", this.#onEnd).on("data", this.#onData);
  }

  /** Requests that are not answered yet. */
  get isBusy(): boolean {
    return this.#isAnswering || this.#reading !== undefined;
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isAnswering) this.#keep(chunk);
    else if (this.#reading === undefined) this.#begin(chunk);
    else this.#add(this.#reading, chunk);
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    if (this.#reading !== undefined) this.#socket.destroy();
    else if (!this.#isAnswering) this.#socket.end();
  };

  readonly #onClose = (): void => {
    clearTimeout(this.#bodyTimer);
    this.#giveUp("aborted");
  };

  readonly #onTimeout = (): void => {
    if (this.#reading === undefined) return;
    this.#giveUp("timed_out");
    this.#socket.destroy();
  };

  #begin(bytes: Buffer): void {
    const head = readPlainHead(bytes);
    const permit = head && this.#host.admit(head);
    if (head === undefined || permit === undefined) return this.#handOver(bytes, undefined);
    if ("status" in permit) return this.#handOver(bytes, permit);
    const { contentLength } = head;
    const reading = { head, permit, body: new Body(contentLength), missing: contentLength };
    this.#reading = reading;
    this.#add(reading, bytes.subarray(head.bodyStart));
    if (this.#reading === undefined) return;
    if (this.#bodyTimer === undefined)
      this.#bodyTimer = setTimeout(this.#onTimeout, this.#host.bodyTimeoutMs);
    else this.#bodyTimer.refresh();
  }

  #add(reading: Reading, bytes: Buffer): void {
    const { head, permit, body, missing } = reading;
    const isAll = bytes.length >= missing;
    const own = bytes.length > missing ? bytes.subarray(0, missing) : bytes;
    if (own.length > 0) body.add(own);
    reading.missing -= own.length;
    if (!isAll) return;
    if (own !== bytes) this.#keep(bytes.subarray(missing));
    this.#reading = undefined;
    this.#isAnswering = true;
    void this.#host.take(permit, head, body).then(this.#answer);
  }

  readonly #answer = (answer: HttpAnswer): void => {
    if (this.#socket.destroyed) return;
    const goesOn = this.#socket.write(this.#host.encode(answer), "latin1");
    // Whoever does not read answers is not read either.
    if (goesOn) this.#next();
    else this.#socket.once("drain", this.#next);
  };

  readonly #next = (): void => {
    this.#isAnswering = false;
    if (!this.#host.answered()) return;
    if (this.#hasEnded) {
      this.#socket.end();
      return;
    }
    const rest = this.#rest;
    if (rest === undefined) return;
    this.#rest = undefined;
    // Before anything else comes.
    this.#begin(rest);
    if (this.#rest === undefined) this.#socket.resume();
  };

  #keep(bytes: Buffer): void {
    this.#rest = this.#rest === undefined ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#socket.pause();
  }

  #giveUp(reason: "aborted" | "timed_out"): void {
    if (this.#reading === undefined) return;
    const { permit, body } = this.#reading;
    this.#reading = undefined;
    permit.abort(reason);
    body.release();
  }

  #handOver(bytes: Buffer, refusal: Refusal | undefined): void {
    clearTimeout(this.#bodyTimer);
    const socket = this.#socket;
    socket.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose);
    socket.pause();
    socket.unshift(bytes);
    this.#host.handOver(refusal);
    socket.resume();
  }
}

function ignore(): void {}
