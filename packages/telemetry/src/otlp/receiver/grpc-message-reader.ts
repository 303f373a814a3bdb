import { BodyBuffers } from "./body-buffers.ts";

const PREFIX_BYTES = 5;
const NOTHING = Buffer.alloc(0);
const BUFFERS = new BodyBuffers();
/** Those that are used again are so much larger than what is smaller that many at once would take far more than they announce. */
const MIN_TAKEN_BYTES = 32 * 1024;

/** What stands in front of a message: `Compressed-Flag Message-Length` (gRPC over HTTP/2, "Requests"). */
export interface MessagePrefix {
  readonly isCompressed: boolean;
  /** As announced; nothing of it may have come yet. */
  readonly sizeBytes: number;
}

/**
 * - `more`: the message is not all there
 * - `complete`: it is, and nothing came behind it
 * - `refused`: whoever was asked about its prefix said no
 * - `bad_flag`: its first byte is neither 0 nor 1
 * - `surplus`: more bytes came behind it
 * - `fragmented`: it comes in very many very small pieces
 */
export type MessageState = "more" | "complete" | "refused" | "bad_flag" | "surplus" | "fragmented";

/**
 * Each piece costs the receiver about as much as some kilobytes do. Frames of HTTP/2 carry up to 16 KiB and TCP's segments no less
 * than a kilobyte, so that honest senders stay far above the mean.
 */
const FREE_PIECES = 64;
const MIN_MEAN_PIECE_BYTES = 256;

/** Puts the one message of a unary call together out of what comes of its body. No memory is taken before its size is agreed to. */
export class GrpcMessageReader {
  readonly #accept: (prefix: MessagePrefix) => boolean;
  #state: MessageState = "more";
  readonly #prefix: number[] = [];
  #isPrefixRead = false;
  #message: Buffer = NOTHING;
  /** What was taken for a message that comes in several pieces. */
  #taken: Buffer | undefined;
  #sizeBytes = 0;
  #filled = 0;
  #pieces = 0;

  /** @param accept asked once, when the prefix is there; after a no everything else is ignored */
  constructor(accept: (prefix: MessagePrefix) => boolean) {
    this.#accept = accept;
  }

  get state(): MessageState {
    return this.#state;
  }

  /** Whether anything came at all. */
  get isEmpty(): boolean {
    return this.#prefix.length === 0;
  }

  /** The whole message once the state is `complete`. Not to be read after {@link release}. */
  get message(): Buffer {
    return this.#message;
  }

  /** Gives its memory to the next; nothing is to be pushed any more. */
  release(): void {
    if (this.#taken !== undefined) BUFFERS.give(this.#taken);
    this.#taken = undefined;
    this.#message = NOTHING;
    this.#state = "refused";
  }

  push(piece: Buffer): MessageState {
    if (this.#state !== "more" && this.#state !== "complete") return this.#state;
    this.#state = this.#take(piece);
    return this.#state;
  }

  #take(piece: Buffer): MessageState {
    if (piece.length === 0) return this.#state;
    if (this.#state === "complete") return "surplus";
    if (++this.#pieces > FREE_PIECES + this.#sizeBytes / MIN_MEAN_PIECE_BYTES) return "fragmented";
    let at = 0;
    while (this.#prefix.length < PREFIX_BYTES) {
      if (at === piece.length) return "more";
      this.#prefix.push(piece[at++]!);
    }
    if (!this.#isPrefixRead) {
      const problem = this.#readPrefix();
      if (problem !== undefined) return problem;
    }
    return this.#fill(at === 0 ? piece : piece.subarray(at));
  }

  #readPrefix(): "bad_flag" | "refused" | undefined {
    const [flag, ...length] = this.#prefix as [number, number, number, number, number];
    if (flag > 1) return "bad_flag";
    this.#isPrefixRead = true;
    this.#sizeBytes = Buffer.from(length).readUInt32BE();
    return this.#accept({ isCompressed: flag === 1, sizeBytes: this.#sizeBytes }) ? undefined : "refused";
  }

  #fill(piece: Buffer): MessageState {
    const missing = this.#sizeBytes - this.#filled;
    if (piece.length > missing) return "surplus";
    if (piece.length === this.#sizeBytes) {
      this.#message = piece;
      return "complete";
    }
    if (piece.length === 0) return "more";
    // Pieces are copied, not kept: small ones would hold on to many times their size.
    if (this.#filled === 0) this.#message = this.#memory(this.#sizeBytes);
    piece.copy(this.#message, this.#filled);
    this.#filled += piece.length;
    return piece.length === missing ? "complete" : "more";
  }

  #memory(sizeBytes: number): Buffer {
    if (sizeBytes < MIN_TAKEN_BYTES) return Buffer.allocUnsafeSlow(sizeBytes);
    this.#taken = BUFFERS.take(sizeBytes);
    return this.#taken.subarray(0, sizeBytes);
  }
}
