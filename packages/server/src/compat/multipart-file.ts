import { SandglassError } from "@sandglass/protocol";

/** Of what stands before a part: its own headers, and what a client writes before the first one. */
const MAX_HEAD_BYTES = 16 * 1024;
/** Of what may come behind the file: further fields, which nobody asked for. */
const MAX_REST_BYTES = 64 * 1024;
const BOUNDARY = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i;
const CRLF = Buffer.from("\r\n");
const HEAD_END = Buffer.from("\r\n\r\n");

/** The file of a form, read while it comes. */
export interface MultipartFile {
  /** As sent. */
  filename: string;
  /** To be read to its end; throws where the form is cut off before that. */
  content: AsyncIterable<Uint8Array>;
}

/**
 * Finds the file that a form has under a name (RFC 7578), passing over what stands before it. Nothing is kept: a file of any size costs
 * the memory of one chunk.
 *
 * @throws SandglassError UNSUPPORTED_MEDIA_TYPE where it is no form, INVALID_REQUEST where there is no such file
 */
export async function readMultipartFile(
  contentType: string | undefined,
  body: AsyncIterable<Uint8Array>,
  fieldName: string,
): Promise<MultipartFile> {
  const [, quoted, bare] = BOUNDARY.exec(contentType ?? "") ?? [];
  const boundary = quoted ?? bare;
  if (!/^multipart\/form-data\b/i.test(contentType ?? "") || boundary === undefined) {
    throw new SandglassError("UNSUPPORTED_MEDIA_TYPE", "the body has to be a form with a file", {
      hint: `send multipart/form-data with the file in the field "${fieldName}"`,
    });
  }
  const reader = new PartReader(body, Buffer.from(`\r\n--${boundary}`));
  // What stands before the first part; limited, since it may be anything.
  for await (const _ of reader.untilBoundary(MAX_HEAD_BYTES));
  while (await reader.isFollowedByPart()) {
    const head = await reader.head();
    const { name, filename } = dispositionOf(head);
    if (name === fieldName && filename !== undefined) return { filename, content: wholeFile(reader) };
    for await (const _ of reader.untilBoundary(MAX_REST_BYTES));
  }
  throw malformed(`the form has no file in a field "${fieldName}"`);
}

async function* wholeFile(reader: PartReader): AsyncGenerator<Uint8Array> {
  yield* reader.untilBoundary();
  await reader.finish();
}

/** Cuts a body at its boundaries. */
class PartReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #boundary: Buffer;
  /** What came and was not read. The first boundary stands at the very beginning, without the line end that the others have. */
  #buffer: Buffer = CRLF;

  constructor(body: AsyncIterable<Uint8Array>, boundary: Buffer) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#boundary = boundary;
  }

  /** What stands before the next boundary, which is read too. @throws SandglassError where there is none, or more than `maxBytes` */
  async *untilBoundary(maxBytes = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
    let left = maxBytes;
    for (;;) {
      const end = this.#buffer.indexOf(this.#boundary);
      // The last bytes may be the beginning of a boundary.
      const safe = end === -1 ? Math.max(0, this.#buffer.length - this.#boundary.length + 1) : end;
      left -= safe;
      if (left < 0) throw malformed("the form has too much besides the file");
      if (safe > 0) yield this.#buffer.subarray(0, safe);
      this.#buffer = this.#buffer.subarray(end === -1 ? safe : end + this.#boundary.length);
      if (end !== -1) return;
      await this.#more();
    }
  }

  /** Behind a boundary: whether a part begins there, or the form ends. */
  async isFollowedByPart(): Promise<boolean> {
    while (this.#buffer.length < 2) await this.#more();
    const next = this.#buffer.subarray(0, 2).toString("latin1");
    if (next === "--") return false;
    if (next !== "\r\n") throw malformed("there is something behind a boundary of the form");
    return true;
  }

  /** The headers of a part, in UTF-8. */
  async head(): Promise<string> {
    for (;;) {
      const end = this.#buffer.indexOf(HEAD_END);
      if (end > MAX_HEAD_BYTES || (end === -1 && this.#buffer.length > MAX_HEAD_BYTES))
        throw malformed("a part of the form has too many headers");
      if (end !== -1) {
        const head = this.#buffer.subarray(0, end).toString("utf8");
        this.#buffer = this.#buffer.subarray(end + HEAD_END.length);
        return head;
      }
      await this.#more();
    }
  }

  /** Reads what is left, so that the connection can be used on. */
  async finish(): Promise<void> {
    let left = MAX_REST_BYTES;
    for (;;) {
      const { value, done } = await this.#chunks.next();
      if (done === true) return;
      left -= value.length;
      if (left < 0) throw malformed("the form has too much besides the file");
    }
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#chunks.next();
    if (done === true) throw malformed("the form ends before its last boundary");
    this.#buffer = this.#buffer.length === 0 ? Buffer.from(value) : Buffer.concat([this.#buffer, value]);
  }
}

/** `Content-Disposition` of a part: browsers' percent-escapes (WHATWG), and RFC 5987's `filename*`, which older clients send. */
function dispositionOf(head: string): { name?: string | undefined; filename?: string | undefined } {
  const line = head.split("\r\n").find((candidate) => /^content-disposition:/i.test(candidate)) ?? "";
  const parameter = (name: string) => new RegExp(`;\\s*${name}="((?:[^"\\\\]|\\\\.)*)"`, "i").exec(line)?.[1];
  const extended = /;\s*filename\*=utf-8''([^\s;]+)/i.exec(line)?.[1];
  const plain = parameter("filename");
  return {
    name: parameter("name"),
    filename: extended === undefined ? plain && unescaped(plain) : decoded(extended),
  };
}

function unescaped(text: string): string {
  const escapes: Readonly<Record<string, string>> = { "%22": '"', "%0D": "\r", "%0A": "\n" };
  return text
    .replace(/%22|%0D|%0A/g, (sequence) => escapes[sequence] ?? sequence)
    .replace(/\\(["\\])/g, "$1");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed("the file's name is not valid UTF-8");
  }
}

function malformed(message: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", message);
}
