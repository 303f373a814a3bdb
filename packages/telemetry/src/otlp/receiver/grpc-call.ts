import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Signal } from "../model.ts";
import { encodeExportResponse } from "./export-answer.ts";
import { answerHttp, answerMessage, answerStatus } from "./grpc-answer.ts";
import { readCallHead } from "./grpc-call-head.ts";
import { GrpcMessageReader, type MessagePrefix, type MessageState } from "./grpc-message-reader.ts";
import { GRPC_CODE, type GrpcCode, statusOfRefusal } from "./grpc-status.ts";
import { inflate } from "./inflate.ts";
import type { IntakeAnswer } from "./intake.ts";
import type { RequestIntake } from "./request-intake.ts";
import type { RequestPermit } from "./request-permit.ts";
import type { Tenant } from "./tenant.ts";

/** Processor time of a call beside its body: headers, stream, answer. */
const CALL_WORK_MS = 0.2;
/** Longer than any timer can be set: no limit. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

const PROBLEMS: Partial<Record<MessageState, { code: GrpcCode; message: string }>> = {
  bad_flag: { code: GRPC_CODE.INTERNAL, message: "the compressed flag is neither 0 nor 1" },
  // Both of zero and of several messages: "request cardinality violation" in doc/statuscodes.md.
  surplus: { code: GRPC_CODE.UNIMPLEMENTED, message: "a unary call has one message" },
  fragmented: { code: GRPC_CODE.RESOURCE_EXHAUSTED, message: "the request comes in too many small pieces" },
};

/** What a call needs to know of its connection. */
export interface GrpcCallHost {
  readonly intake: RequestIntake;
  /** How long a request may take to arrive, and its answer to be read, in milliseconds. */
  readonly receiveMs: number;
  /** Whether the connection has ended, and not only the call. */
  readonly isLost: boolean;
  onBody(sizeBytes: number): void;
  /** It was not even admitted, or not read to its end. */
  onRefused(): void;
  /** Its stream is closed; it may still be being taken. */
  onOver(call: GrpcCall): void;
}

/**
 * A unary call of gRPC: `reading` until its request is all there, `taking` while it is made durable, then `answered`. Whoever goes
 * away while it is being taken is not waited for, and it is taken all the same.
 */
export class GrpcCall {
  readonly #stream: ServerHttp2Stream;
  readonly #host: GrpcCallHost;
  readonly #tenant: Tenant;
  readonly #startedAt = performance.now();
  #phase: "reading" | "taking" | "answered" = "reading";
  #answeredAt = 0;
  #signal: Signal = "traces";
  #encoding = "";
  #isCompressed = false;
  #permit: RequestPermit | undefined;
  #reader: GrpcMessageReader | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, tenant: Tenant, host: GrpcCallHost) {
    this.#stream = stream;
    this.#host = host;
    this.#tenant = tenant;
    // Said by "close" too; without a listener it would end the process.
    stream.on("error", () => {});
    stream.once("close", () => this.#close());
    stream.on("data", (piece: Buffer) => this.#read(piece));
    stream.once("end", () => this.#end());
    this.#begin(headers);
  }

  /** Called from time to time. @returns whether its client does not read, so that only cutting the connection helps */
  expire(now: number): boolean {
    if (this.#phase === "reading" && now - this.#startedAt > this.#host.receiveMs) {
      this.#permit?.abort("timed_out");
      this.#refuse(GRPC_CODE.DEADLINE_EXCEEDED, "the request took too long to arrive");
    }
    return this.#phase === "answered" && now - this.#answeredAt > this.#host.receiveMs;
  }

  #begin(headers: IncomingHttpHeaders): void {
    const head = readCallHead(headers);
    if (head.kind !== "call") {
      this.#host.intake.refused(this.#tenant, "unsupported", "grpc");
      this.#setAnswered(true);
      if (head.kind === "http") answerHttp(this.#stream, head.httpStatus);
      else answerStatus(this.#stream, head.status);
      return;
    }
    const permit = this.#host.intake.admit(this.#tenant, 0, "grpc");
    if ("status" in permit) return this.#answer(permit, true);
    permit.spendWork(CALL_WORK_MS);
    this.#permit = permit;
    this.#signal = head.signal;
    this.#encoding = head.encoding;
    this.#reader = new GrpcMessageReader((prefix) => this.#accept(prefix));
    const { timeoutMs } = head;
    if (timeoutMs !== undefined && timeoutMs < LONGEST_TIMEOUT_MS) {
      this.#timer = setTimeout(() => this.#timeOut(), timeoutMs);
    }
  }

  #read(piece: Buffer): void {
    this.#host.onBody(piece.length);
    if (this.#phase !== "reading" || this.#reader === undefined) return;
    const problem = PROBLEMS[this.#reader.push(piece)];
    if (problem !== undefined) this.#refuse(problem.code, problem.message, "malformed");
  }

  /** Before anything of the message is kept. */
  #accept({ isCompressed, sizeBytes }: MessagePrefix): boolean {
    this.#isCompressed = isCompressed;
    if (isCompressed && this.#encoding !== "gzip") {
      if (this.#encoding === "identity") {
        this.#refuse(GRPC_CODE.INTERNAL, "a compressed message without grpc-encoding", "malformed");
      } else this.#refuse(GRPC_CODE.UNIMPLEMENTED, "unsupported grpc-encoding", "malformed");
      return false;
    }
    const refusal = this.#permit?.receive(sizeBytes);
    if (refusal === undefined) return true;
    this.#answer(refusal, true);
    return false;
  }

  #end(): void {
    // Streams that are cut end as well: what becomes of those is decided when they are closed.
    if (this.#phase !== "reading" || this.#stream.destroyed) return;
    if (this.#reader?.state === "complete") return this.#take();
    if (this.#reader?.isEmpty) this.#refuse(GRPC_CODE.UNIMPLEMENTED, "a call without a message", "malformed");
    else this.#refuse(GRPC_CODE.INTERNAL, "the message ends early", "malformed");
  }

  #take(): void {
    this.#phase = "taking";
    this.#accepted()
      .then((answer) => this.#answer(answer, false))
      .catch((error: unknown) => {
        this.#answer(this.#host.intake.fail(this.#permit!, error), false);
        // Where it was the answer that could not be given.
        this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      });
  }

  async #accepted(): Promise<IntakeAnswer> {
    const permit = this.#permit!;
    const reader = this.#reader!;
    this.#reader = undefined;
    try {
      const { message } = reader;
      const body = this.#isCompressed ? await inflate(message, "protobuf", permit) : message;
      if ("status" in body) return body;
      // It has done with the bytes when it returns, before it resolves.
      return this.#host.intake.accept(permit, this.#signal, body, "protobuf");
    } finally {
      reader.release();
    }
  }

  /** The time that the client gave it is over. */
  #timeOut(): void {
    if (this.#phase === "reading") this.#permit?.abort("timed_out");
    this.#refuse(GRPC_CODE.DEADLINE_EXCEEDED, "the call's time is over");
  }

  /** @param reason where the permit has not been ended otherwise: what it is counted as */
  #refuse(code: GrpcCode, message: string, reason?: "malformed"): void {
    if (reason !== undefined) this.#permit?.refuse(reason, message);
    const isCut = this.#phase === "reading";
    if (!this.#setAnswered(isCut)) return;
    answerStatus(this.#stream, { code, message });
  }

  #answer(answer: IntakeAnswer, isCut: boolean): void {
    if (!this.#setAnswered(isCut)) return;
    if (answer.status === "refused") return answerStatus(this.#stream, statusOfRefusal(answer));
    answerMessage(this.#stream, encodeExportResponse(this.#signal, "protobuf", answer.rejected));
  }

  /** @returns false where it is already */
  #setAnswered(isCut: boolean): boolean {
    if (this.#phase === "answered") return false;
    this.#phase = "answered";
    this.#answeredAt = performance.now();
    this.#reader?.release();
    this.#reader = undefined;
    clearTimeout(this.#timer);
    if (isCut) this.#host.onRefused();
    return true;
  }

  #close(): void {
    clearTimeout(this.#timer);
    if (this.#phase === "reading") {
      // A process that ended with all of its request sent did its part; one that reset the stream does not want it any more.
      if (this.#reader?.state === "complete" && this.#host.isLost) this.#take();
      else {
        this.#permit?.abort("aborted");
        this.#reader?.release();
      }
    }
    this.#host.onOver(this);
  }
}
