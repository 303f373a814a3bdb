import type { IncomingMessage } from "node:http";
import { SandglassError } from "@sandglass/protocol";
import { keyIsOver } from "../auth.ts";
import { BodyPace, type PaceLimits } from "./body-pace.ts";
import { isDeeperThan } from "./json-depth.ts";

const JSON_TYPE = /^application\/(?:[a-z0-9.+-]+\+)?json *(?:;|$)/i;
const IDENTITY: ReadonlySet<string> = new Set(["", "identity"]);
const UTF8 = new TextDecoder("utf-8", { fatal: true });

export interface JsonBodyLimits extends PaceLimits {
  jsonBytes: number;
  jsonDepth: number;
}

/** Has `cut` called when the key of a request is over. Returns what to call when that matters no more. */
export type HoldKey = (cut: () => void) => () => void;

interface JsonBody {
  /** Undefined where there is no body. */
  value: unknown;
  /** As sent, "" where there is none. */
  text: string;
}

/**
 * Reads a JSON body. An empty one counts as none, whatever its content type.
 *
 * @throws SandglassError UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE (known from `content-length` before a byte is read),
 *   REQUEST_TOO_SLOW, INVALID_REQUEST for what is not JSON in UTF-8, or too deep, UNAUTHORIZED where the key ends before it is all there
 */
export async function readJsonBody(
  request: IncomingMessage,
  limits: JsonBodyLimits,
  holdKey?: HoldKey,
): Promise<JsonBody> {
  const { "content-length": length, "transfer-encoding": encoding, "content-type": type } = request.headers;
  if (encoding === undefined && (length === undefined || length === "0"))
    return { value: undefined, text: "" };
  if (Number(length) > limits.jsonBytes) throw tooLarge(limits.jsonBytes);
  const text = await readText(request, limits, holdKey);
  if (text === "") return { value: undefined, text };
  if (type === undefined || !JSON_TYPE.test(type)) {
    throw new SandglassError("UNSUPPORTED_MEDIA_TYPE", "the body has to be JSON", {
      hint: "send content-type: application/json",
    });
  }
  if (isDeeperThan(text, limits.jsonDepth)) {
    throw new SandglassError("INVALID_REQUEST", `the body is more than ${limits.jsonDepth} levels deep`, {
      hint: "the limit is the option bodyLimits.jsonDepth",
    });
  }
  return { value: parseJson(text), text };
}

/**
 * Nothing inflates here: what is small on the wire and huge in memory is not taken.
 *
 * @throws SandglassError UNSUPPORTED_MEDIA_TYPE
 */
export function refuseEncoded({ headers }: IncomingMessage): void {
  if (IDENTITY.has(headers["content-encoding"] ?? "")) return;
  throw new SandglassError("UNSUPPORTED_MEDIA_TYPE", "compressed bodies are not taken", {
    hint: "send the body without content-encoding",
  });
}

/** @throws SandglassError INVALID_REQUEST, also for `__proto__`, which no request of ours has */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, text.includes("__proto__") ? refusePrototype : undefined);
  } catch (error) {
    if (error instanceof SandglassError) throw error;
    // The parser's message quotes the body, which may hold code or secrets: only the place is passed on.
    const place = /position \d+(?: \(line \d+ column \d+\))?/.exec((error as Error).message)?.[0];
    throw new SandglassError(
      "INVALID_REQUEST",
      `the body is not valid JSON${place === undefined ? "" : ` at ${place}`}`,
    );
  }
}

function refusePrototype(name: string, value: unknown): unknown {
  if (name === "__proto__") throw new SandglassError("INVALID_REQUEST", 'the body holds a field "__proto__"');
  return value;
}

/**
 * A body of text as it is.
 *
 * @throws SandglassError PAYLOAD_TOO_LARGE, REQUEST_TOO_SLOW, INVALID_REQUEST for what is not UTF-8, UNAUTHORIZED as {@link readJsonBody}
 */
export function readText(
  request: IncomingMessage,
  limits: JsonBodyLimits,
  holdKey?: HoldKey,
): Promise<string> {
  const maxBytes = limits.jsonBytes;
  const pace = new BodyPace(limits);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let stall: NodeJS.Timeout | undefined;
    let release: (() => void) | undefined;
    const armStall = () => {
      clearTimeout(stall);
      stall = setTimeout(() => settle(() => reject(pace.tooSlow())), pace.wait());
    };
    const settle = (finish: () => void) => {
      clearTimeout(stall);
      release?.();
      request.off("data", onData).off("end", onEnd).off("close", onClose);
      finish();
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        settle(() => reject(tooLarge(maxBytes)));
        // Read on into nothing, so that the answer reaches a client which is still sending.
        request.resume();
        return;
      }
      chunks.push(chunk);
      if (stall === undefined) return;
      pace.got(chunk.length);
      armStall();
    };
    const onEnd = () =>
      settle(() => {
        const first = chunks[0];
        const bytes = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks, size);
        try {
          resolve(UTF8.decode(bytes));
        } catch {
          reject(new SandglassError("INVALID_REQUEST", "the body is not valid UTF-8"));
        }
      });
    const onClose = () => settle(() => reject(new Error("the client went while it sent its body")));
    request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", ignoreReset);
    // Nearly every body came with its headers: those never get a timer, and nobody waits for the end of their key.
    setImmediate(() => {
      if (request.complete || request.destroyed || size > maxBytes) return;
      armStall();
      release = holdKey?.(() => settle(() => reject(keyIsOver())));
    });
  });
}

/** A reset shows as "close" too, which is where it is handled. */
function ignoreReset(): void {}

function tooLarge(maxBytes: number): SandglassError {
  return new SandglassError("PAYLOAD_TOO_LARGE", `the body is larger than ${maxBytes} bytes`, {
    hint: "upload large content as a file; the limit is the option bodyLimits.jsonBytes",
  });
}
