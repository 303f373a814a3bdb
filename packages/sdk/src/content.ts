import { SandglassError } from "./errors.ts";
import { SECRET_PATTERNS } from "./secret-patterns.ts";

/** What of a run's contents leaves the process. */
export interface ContentOptions {
  /**
   * Record thoughts, arguments and results of tools, and messages of errors too: not only names, times, sizes and kinds of errors.
   * Default false.
   */
  captureContent?: boolean | undefined;
  /**
   * What is replaced by `[redacted]` in all that `captureContent` records, before it leaves the process: expressions, and strings as they
   * are. Default {@link SECRET_PATTERNS}; a list takes its place.
   */
  redact?: readonly (RegExp | string)[] | undefined;
  /** The most of one text that is recorded, in bytes of UTF-8; what is cut says so. 0 to 245,760; default 32,768. */
  maxContentBytes?: number | undefined;
}

const REDACTED = "[redacted]";
const DEFAULT_MAX_BYTES = 32 * 1024;
/** As JSON still within the 256 KiB that the daemon takes as one event. */
const MAX_BYTES = 240 * 1024;
const KIND = /^[A-Za-z_$][\w.$]{0,99}$/;

/** Decides what is recorded of contents: nothing, or text without secrets and of a bounded size. */
export class Content {
  readonly #isCaptured: boolean;
  readonly #redact: readonly (RegExp | string)[];
  readonly #maxBytes: number;

  /** @throws SandglassError INVALID_REQUEST */
  constructor(options: ContentOptions = {}) {
    const { captureContent = false, redact = SECRET_PATTERNS, maxContentBytes = DEFAULT_MAX_BYTES } = options;
    if (!Number.isInteger(maxContentBytes) || maxContentBytes < 0 || maxContentBytes > MAX_BYTES) {
      const hint = "one event takes no more";
      throw new SandglassError("INVALID_REQUEST", `maxContentBytes must be 0 to ${MAX_BYTES}`, { hint });
    }
    this.#isCaptured = captureContent;
    this.#redact = redact.flatMap((pattern) => (pattern === "" ? [] : [everywhere(pattern)]));
    this.#maxBytes = maxContentBytes;
  }

  /** What is recorded of a content: text as it is, an error's message, all else as JSON. Undefined where that is nothing. */
  text(content: unknown): string | undefined {
    if (!this.#isCaptured || content === undefined) return undefined;
    const isText = typeof content === "string" || content instanceof Error;
    return this.#cut(this.#redacted(isText ? String(content) : this.#json(content)));
  }

  /** What is recorded of an error: its message where contents are, else its kind; undefined where it has none. */
  error(error: unknown): string | undefined {
    return this.#isCaptured ? this.text(error) : kindOf(error);
  }

  #redacted(text: string): string {
    return this.#redact.reduce<string>((rest, pattern) => rest.replaceAll(pattern, REDACTED), text);
  }

  /** Texts are searched before JSON escapes them, too: a quotation mark must not hide what has one in it. */
  #json(content: unknown): string {
    try {
      const json = JSON.stringify(content, (_, value: unknown) =>
        typeof value === "string" ? this.#redacted(value) : value,
      );
      return json ?? String(content);
    } catch {
      // Circles and big integers are no JSON, and recording must not break the agent.
      return String(content);
    }
  }

  #cut(text: string): string {
    const bytes = Buffer.byteLength(text);
    if (bytes <= this.#maxBytes && Buffer.byteLength(JSON.stringify(text)) <= MAX_BYTES) return text;
    let kept = firstBytes(text, this.#maxBytes);
    // Control characters become six times as long.
    while (Buffer.byteLength(JSON.stringify(kept)) > MAX_BYTES)
      kept = firstBytes(kept, Math.floor(kept.length / 2));
    return `${kept}… [cut: ${bytes} bytes]`;
  }
}

/** The class or the code of an error; what only its thrower knows is content. */
function kindOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const kind = error instanceof SandglassError ? error.code : error.name;
  return KIND.test(kind) ? kind : "Error";
}

function everywhere(pattern: RegExp | string): RegExp | string {
  if (typeof pattern === "string") return pattern;
  return new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, "")}g`);
}

/** The longest beginning of whole characters. */
function firstBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  let end = Math.min(maxBytes, bytes.length);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}
