/** Head of an answer, one JSON line; what a result holds follows as bytes, so that nothing large is ever parsed. */
const MAX_HEAD_BYTES = 16 * 1024;
export const MAX_RESULT_BYTES: number = 8 * 1024 * 1024;
const MAX_PARTS = 32;
/** Lines that are no answer to the cell at hand: so many are no accident. */
const MAX_STRAY = 64;

export interface CellAnswer {
  exitCode: number;
  result: Record<string, string> | undefined;
}

interface Part {
  mime: string;
  bytes: number;
}

/** A result under way. */
interface Body {
  answer: CellAnswer;
  parts: Part[];
  left: number;
  chunks: Buffer[];
}

/**
 * What an interpreter says on its control channel, parsed as hostile: it is the cell's own code that may be speaking.
 *
 * An answer is `{"id", "exitCode", "result": [[mime, bytes], …] | null}` and a newline, then the bytes of the parts one after the
 * other. What comes while no answer is due is dropped unread.
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
    const left = message.parts.reduce((sum, part) => sum + part.bytes, 0);
    if (left > MAX_RESULT_BYTES) return false;
    const answer: CellAnswer = { exitCode: message.exitCode, result: message.hasResult ? {} : undefined };
    this.#body = { answer, parts: message.parts, left, chunks: [] };
    if (left === 0) this.#finish();
    return true;
  }

  #finish(): void {
    const { answer, parts, chunks } = this.#body as Body;
    const bytes = Buffer.concat(chunks);
    let at = 0;
    for (const part of parts) {
      if (answer.result !== undefined) answer.result[part.mime] = bytes.toString("utf8", at, at + part.bytes);
      at += part.bytes;
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
}

function parseHead(line: Buffer): Head | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line.toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { ready, id, exitCode, result } = value as Record<string, unknown>;
  if (ready === true) return { id: "ready", exitCode: 0, hasResult: false, parts: [] };
  if (typeof id !== "string" || !Number.isInteger(exitCode)) return undefined;
  const parts: Head["parts"] = [];
  if (Array.isArray(result)) {
    if (result.length > MAX_PARTS) return undefined;
    for (const part of result) {
      if (!Array.isArray(part)) return undefined;
      const [mime, bytes] = part as unknown[];
      if (typeof mime !== "string" || !Number.isSafeInteger(bytes) || (bytes as number) < 0) return undefined;
      parts.push({ mime, bytes: bytes as number });
    }
  }
  return { id, exitCode: (exitCode as number) & 0xff, hasResult: Array.isArray(result), parts };
}
