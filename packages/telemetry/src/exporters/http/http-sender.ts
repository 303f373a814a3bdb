import { X509Certificate } from "node:crypto";
import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { createSecureContext } from "node:tls";
import { AddressNotPublicError, isNonPublicHost, publicLookup } from "./public-address.ts";

const MAX_ANSWER_BYTES = 64 * 1024;
/** A longer answer is not read to its end: what it would cost is more than a new connection. */
const READ_ON_BYTES = 1024 * 1024;
const MAX_SOCKETS = 64;
const IDLE_TIMEOUT_MS = 20_000;

/** PEM texts. `ca` takes the place of the system's authorities. */
export interface TlsOptions {
  ca?: string | undefined;
  /** With `key`, what the client shows of itself (mTLS). */
  cert?: string | undefined;
  key?: string | undefined;
  /** False takes any certificate. Default true. */
  rejectUnauthorized?: boolean | undefined;
}

export interface HttpSenderOptions {
  tls?: TlsOptions | undefined;
  /**
   * Refuses private, loopback, link-local, multicast and otherwise reserved addresses, also where a name leads to one, with an
   * {@link AddressNotPublicError}. Default false.
   */
  publicOnly?: boolean | undefined;
  /** Most connections to one origin. Default 64. */
  maxSockets?: number | undefined;
  /** A connection that nothing is sent over is closed after this. Default 20 s, or less where the server says so. */
  idleTimeoutMs?: number | undefined;
  /** How much of an answer's body is kept. Default 64 KiB. */
  maxAnswerBytes?: number | undefined;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Its first `maxAnswerBytes`. */
  body: Buffer;
}

/**
 * POSTs over kept connections, once each: it follows no redirect and tries nothing again, which is the delivery's to decide.
 *
 * @throws Error from the constructor for TLS options that OpenSSL cannot read
 */
export class HttpSender {
  readonly #plain: Agent;
  readonly #makeTls: () => TlsAgent;
  /** Made when it is first needed: a context with the system's authorities takes 15 ms. */
  #tls: TlsAgent | undefined;
  readonly #publicOnly: boolean;
  readonly #maxAnswerBytes: number;
  #isClosed = false;

  constructor(options: HttpSenderOptions = {}) {
    const { publicOnly = false } = options;
    const { rejectUnauthorized = true, ca, cert, key } = options.tls ?? {};
    const agentOptions = {
      keepAlive: true,
      noDelay: true,
      maxSockets: options.maxSockets ?? MAX_SOCKETS,
      timeout: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
      ...(publicOnly && { lookup: publicLookup }),
    };
    // OpenSSL passes over an authority that it cannot read, and then trusts nobody.
    if (ca) new X509Certificate(ca);
    const pem = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
    this.#plain = new Agent(agentOptions);
    const makeContext = () => createSecureContext(pem);
    // What OpenSSL cannot read is told at once.
    const secureContext = ca || cert || key ? makeContext() : undefined;
    this.#makeTls = () =>
      new TlsAgent({ ...agentOptions, secureContext: secureContext ?? makeContext(), rejectUnauthorized });
    this.#publicOnly = publicOnly;
    this.#maxAnswerBytes = options.maxAnswerBytes ?? MAX_ANSWER_BYTES;
  }

  /**
   * Resolves with the whole answer, whatever its status. Rejects when there is none, or not all of it, and with the signal's
   * reason as soon as it fires, at any stage.
   *
   * @param url without credentials in it: they belong in `headers`
   * @param body whole, or pieces that are sent one behind the other from where they lie
   */
  post(
    url: URL,
    body: Uint8Array | readonly Uint8Array[],
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#isClosed) throw new Error("the sender is closed");
      if (url.username || url.password) throw new Error("a URL with credentials in it is not sent to");
      if (this.#publicOnly && isNonPublicHost(url.hostname)) throw new AddressNotPublicError(url.hostname);

      const isTls = url.protocol === "https:";
      const pieces = body instanceof Uint8Array ? [body] : body;
      const length = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
      const outgoing = (isTls ? tlsRequest : request)(url, {
        method: "POST",
        agent: isTls ? this.#tlsAgent() : this.#plain,
        headers: { "accept-encoding": "identity", ...headers, "content-length": length },
      });
      const onAbort = () => end(() => reject(signal.reason));
      const end = (settle: () => void) => {
        signal.removeEventListener("abort", onAbort);
        settle();
        // An answer that came before the whole body was taken leaves a connection that is of no more use.
        if (signal.aborted || !outgoing.writableFinished) outgoing.destroy();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      outgoing.on("error", (error) => end(() => reject(error)));
      outgoing.on("response", (incoming) => {
        const answered = (answer: HttpAnswer) => end(() => resolve(answer));
        readAnswer(outgoing, incoming, this.#maxAnswerBytes, answered, (error) => end(() => reject(error)));
      });
      outgoing.cork();
      for (const piece of pieces) outgoing.write(piece);
      outgoing.end();
    });
  }

  /** Closes every connection; what is under way fails. */
  close(): void {
    this.#isClosed = true;
    this.#plain.destroy();
    this.#tls?.destroy();
  }

  #tlsAgent(): TlsAgent {
    this.#tls ??= this.#makeTls();
    return this.#tls;
  }
}

function readAnswer(
  outgoing: ClientRequest,
  incoming: IncomingMessage,
  maxBytes: number,
  onAnswer: (answer: HttpAnswer) => void,
  onError: (error: Error) => void,
): void {
  const chunks: Buffer[] = [];
  let keptBytes = 0;
  let readBytes = 0;
  const answer = () =>
    onAnswer({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) });

  incoming.on("data", (chunk: Buffer) => {
    readBytes += chunk.length;
    if (keptBytes < maxBytes) {
      const kept = chunk.subarray(0, maxBytes - keptBytes);
      chunks.push(kept);
      keptBytes += kept.length;
    }
    if (readBytes <= Math.max(READ_ON_BYTES, maxBytes)) return;
    answer();
    outgoing.destroy();
  });
  incoming.on("end", answer);
  // After "end" there is no error, and after either a promise hears nothing more.
  incoming.on("error", onError);
}
