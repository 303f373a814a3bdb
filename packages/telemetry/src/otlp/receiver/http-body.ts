import type { IncomingMessage } from "node:http";
import { BodyBuffers } from "./body-buffers.ts";
import type { Refusal } from "./intake.ts";
import type { RequestPermit } from "./request-permit.ts";

const BUFFERS = new BodyBuffers();
const NO_BYTES = new Uint8Array();

/** The request is not coming to its end. */
export type Unread = "aborted" | "timed_out";

/**
 * Reads a body. Where its length is not known its permit is asked for every piece.
 *
 * @param length of the body, which the permit has already let through; undefined where it comes in chunks
 * @param timeoutMs how long it may take, however it trickles
 * @returns the body, or why there is none: the permit is over then
 */
export function readBody(
  request: IncomingMessage,
  permit: RequestPermit,
  length: number | undefined,
  timeoutMs: number,
): Promise<Body | Refusal | Unread> {
  const { promise, resolve } = Promise.withResolvers<Body | Refusal | Unread>();
  const body = new Body(length);
  const settle = (read: Body | Refusal | Unread): void => {
    clearTimeout(timer);
    request.off("data", onData).off("end", onEnd).off("close", onGone).off("error", onGone);
    if (read !== body) body.release();
    resolve(read);
  };
  const giveUp = (reason: Unread): void => {
    permit.abort(reason);
    settle(reason);
  };
  const onData = (chunk: Buffer): void => {
    const refusal = length === undefined ? permit.receivePiece(chunk.length) : undefined;
    if (refusal === undefined) body.add(chunk);
    else settle(refusal);
  };
  const onEnd = (): void => settle(body);
  const onGone = (): void => giveUp("aborted");
  const timer = setTimeout(() => giveUp("timed_out"), timeoutMs);
  request.on("data", onData).on("end", onEnd).on("close", onGone).on("error", onGone);
  return promise;
}

/** A body, put together from its pieces in one place: kept one by one, many small ones would take a hundred times their size. */
export class Body {
  readonly #length: number | undefined;
  /** The first piece, as long as it is the only one. */
  #only: Buffer | undefined;
  #whole: Buffer | undefined;
  #at = 0;

  constructor(length: number | undefined) {
    this.#length = length;
  }

  /** Not to be read after {@link release}. */
  get bytes(): Uint8Array {
    return this.#only ?? this.#whole?.subarray(0, this.#at) ?? NO_BYTES;
  }

  add(piece: Buffer): void {
    if (this.#at === 0) this.#only = piece;
    else {
      const whole = this.#roomFor(piece.length);
      if (this.#only !== undefined) this.#only.copy(whole, 0);
      this.#only = undefined;
      piece.copy(whole, this.#at);
    }
    this.#at += piece.length;
  }

  /** Gives its memory to the next. */
  release(): void {
    if (this.#whole !== undefined) BUFFERS.give(this.#whole);
    this.#whole = undefined;
    this.#only = undefined;
  }

  #roomFor(bytes: number): Buffer {
    const needed = this.#at + bytes;
    const before = this.#whole;
    if (before !== undefined && before.length >= needed) return before;
    this.#whole = BUFFERS.take(this.#length ?? 2 * needed);
    if (before !== undefined) {
      before.copy(this.#whole, 0, 0, this.#at);
      BUFFERS.give(before);
    }
    return this.#whole;
  }
}
