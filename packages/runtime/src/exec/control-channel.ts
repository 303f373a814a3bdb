import type { ExecException } from "@sandglass/protocol";

/** Head of an answer, one JSON line; what a result holds follows as bytes, so that nothing large is ever parsed. */
const MAX_HEAD_BYTES = 16 * 1024;
export const MAX_RESULT_BYTES: number = 8 * 1024 * 1024;
const MAX_PARTS = 32;
/** Of an exception's type, message and stack trace together. */
export const MAX_EXCEPTION_BYTES: number = 64 * 1024;
const EXCEPTION_PARTS = 3;
/** Lines that are no answer to the cell at hand: so many are no accident. */
const MAX_STRAY = 64;

export interface CellAnswer {
  exitCode: number;
  result: Record<string, string> | undefined;
  /** What the cell raised and did not catch. */
  exception?: ExecException;
}

interface Part {
  mime: string;
  bytes: number;
}

/** A result under way. */
interface Body {
  head: Head;
  left: number;
  chunks: Buffer[];
}

/**
 * What an interpreter says on its control channel, parsed as hostile: it is the cell's own code that may be speaking.
 *
 * An answer is `{"id", "exitCode", "result": [[mime, bytes], …] | null, "exception"?: [bytes, bytes, bytes] | null}` and a newline, then
 * the bytes of the parts one after the other: of the result, and of the exception its type, message and stack trace. What comes while no
 * answer is due is dropped unread.
 */
export class ControlChannel {
  /** The greeting was read. */
  onReady: () => void = () => {};
  onAnswer: (answer: CellAnswer) => void = () => {};
  /** It floods: end it. */
  onFlood: () => void = () => {};
  #expected: string | undefined;
  #head: Buffer = Buffer.alloc(0);
  #body: Body | undefined;
  #stray = 0;

  /** From now on the answer to this id (or "ready", the greeting) is due. */
  expect(id: string): void {
    this.#expected = id;
    this.#head = Buffer.alloc(0);
    this.#body = undefined;
    this.#stray = 0;
  }

  get isExpecting(): boolean {
    return this.#expected !== undefined;
  }

  push(bytes: Buffer): void {
    let data = bytes;
    while (data.length > 0 && this.#expected !== undefined) {
      if (this.#body !== undefined) {
        const piece = data.subarray(0, this.#body.left);
        this.#body.chunks.push(piece);
        this.#body.left -= piece.length;
        data = data.subarray(piece.length);
        if (this.#body.left === 0) this.#finish();
        continue;
      }
      const end = data.indexOf(10);
      const piece = end === -1 ? data : data.subarray(0, end);
      data = end === -1 ? data.subarray(data.length) : data.subarray(end + 1);
      if (this.#head.length + piece.length > MAX_HEAD_BYTES) return this.#flooded();
      const head = this.#head.length > 0 ? Buffer.concat([this.#head, piece]) : piece;
      this.#head = end === -1 ? Buffer.from(head) : Buffer.alloc(0);
      if (end !== -1 && !this.#onHead(head) && ++this.#stray > MAX_STRAY) return this.#flooded();
    }
  }

  #onHead(head: Buffer): boolean {
    const message = parseHead(head);
    if (message === undefined || message.id !== this.#expected) return false;
    if (message.id === "ready") {
      this.#expected = undefined;
      this.onReady();
      return true;
    }
    const ofResult = message.parts.reduce((sum, part) => sum + part.bytes, 0);
    const ofException = message.exception.reduce((sum, bytes) => sum + bytes, 0);
    if (ofResult > MAX_RESULT_BYTES || ofException > MAX_EXCEPTION_BYTES) return false;
    this.#body = { head: message, left: ofResult + ofException, chunks: [] };
    if (this.#body.left === 0) this.#finish();
    return true;
  }

  #finish(): void {
    const { head, chunks } = this.#body as Body;
    const bytes = Buffer.concat(chunks);
    let at = 0;
    const next = (size: number): string => {
      at += size;
      return bytes.toString("utf8", at - size, at);
    };
    const answer: CellAnswer = {
      exitCode: head.exitCode,
      result: head.hasResult ? {} : undefined,
    };
    for (const part of head.parts) {
      const text = next(part.bytes);
      if (answer.result !== undefined) answer.result[part.mime] = text;
    }
    const [type, message, stacktrace] = head.exception.map(next);
    // A cell that went well raised nothing, and what has no name is nothing.
    if (head.exitCode !== 0 && type) {
      answer.exception = { type, ...(message && { message }), ...(stacktrace && { stacktrace }) };
    }
    this.#body = undefined;
    this.#expected = undefined;
    this.onAnswer(answer);
  }

  #flooded(): void {
    this.#expected = undefined;
    this.onFlood();
  }
}

interface Head {
  id: string;
  exitCode: number;
  hasResult: boolean;
  parts: Part[];
  /** Sizes; empty where there is none. */
  exception: number[];
}

function parseHead(line: Buffer): Head | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line.toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { ready, id, exitCode, result, exception } = value as Record<string, unknown>;
  if (ready === true) return { id: "ready", exitCode: 0, hasResult: false, parts: [], exception: [] };
  if (typeof id !== "string" || !Number.isInteger(exitCode)) return undefined;
  const parts: Head["parts"] = [];
  if (Array.isArray(result)) {
    if (result.length > MAX_PARTS) return undefined;
    for (const part of result) {
      if (!Array.isArray(part)) return undefined;
      const [mime, bytes] = part as unknown[];
      if (typeof mime !== "string" || !isSize(bytes)) return undefined;
      parts.push({ mime, bytes });
    }
  }
  const sizes = Array.isArray(exception) ? (exception as unknown[]) : [];
  if (sizes.length > 0 && sizes.length !== EXCEPTION_PARTS) return undefined;
  if (!sizes.every(isSize)) return undefined;
  const hasResult = Array.isArray(result);
  return { id, exitCode: (exitCode as number) & 0xff, hasResult, parts, exception: sizes };
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
