import { request } from "node:http";
import { buffer } from "node:stream/consumers";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import {
  type Fault as AnswerFault,
  FaultyServer,
  type SinkAnswer,
  type SinkRequest,
} from "../sinks/faulty-server.ts";
import { selfSignedCertificate } from "../sinks/self-signed-certificate.ts";
import { type Fault, type Faults, UNRESOLVABLE_HOST } from "./subject.ts";

const RETRY_AFTER_S = 1;
/** Answers later than whatever was sent together can arrive. */
const LATE_MS = 30;
/** A whole answer takes longer than any client here waits. */
const DRIP_MS = 40;

export interface HttpFrontOptions {
  /** The exporter's configuration for a destination at this origin. */
  configAt(origin: string): object;
  /** What it says yes with to a client that it then lets down; long enough to be cut in two. */
  yes: SinkAnswer;
  /** How it refuses a body for good. Default 400. */
  no?: SinkAnswer;
  /** Makes the service behind refuse only the events that hold `marker` of this request. */
  refuseSome?(request: SinkRequest, marker: string): void;
}

/** Stands before an HTTP service that does the right thing, and makes it misbehave in all the ways that HTTP has. */
export class HttpFront implements AsyncDisposable {
  readonly #server: FaultyServer;
  readonly #options: HttpFrontOptions;
  readonly #attempts: number[] = [];
  #answers: ((request: SinkRequest) => SinkAnswer | undefined) | undefined;

  /** @param origin of the service behind it */
  static async start(origin: string, options: HttpFrontOptions): Promise<HttpFront> {
    const fronts: HttpFront[] = [];
    const server = await FaultyServer.start((call) => fronts[0]!.#answer(origin, call));
    const front = new HttpFront(server, options);
    fronts.push(front);
    front.#begin(undefined);
    return front;
  }

  private constructor(server: FaultyServer, options: HttpFrontOptions) {
    this.#server = server;
    this.#options = options;
  }

  /** `http://127.0.0.1:PORT` */
  get origin(): string {
    return this.#server.url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }

  get faults(): Faults {
    const { configAt, yes, no = { status: 400, body: "bad event" }, refuseSome } = this.#options;
    const saysYes = { ...yes, headers: yes.headers ?? {} };
    return {
      unavailable: () => this.#unavailable(),
      hang: () => this.#begin({ hang: true }),
      slowDrip: () => this.#begin({ ...saysYes, dripMs: DRIP_MS }),
      // What was sent is taken: only the client does not know.
      resetMidBody: () => this.#begin({ resetMidBody: true }),
      wrongContentType: () => this.#begin({ wrongContentType: true }),
      unauthorized: () => this.#begin({ status: 401, body: "who are you?" }),
      dnsFailure: async () => ({
        config: configAt(`http://${UNRESOLVABLE_HOST}`),
        end: async () => undefined,
      }),
      tlsFailure: () => this.#untrusted(),
      retryAfter: async () => {
        let answeredAt: number | undefined;
        const headers = { "retry-after": String(RETRY_AFTER_S) };
        const fault = await this.#begin({ status: 429, headers, delayMs: LATE_MS }, () => {
          answeredAt ??= performance.now();
        });
        return {
          ...fault,
          afterMs: RETRY_AFTER_S * 1000,
          answeredAt: () => answeredAt,
          attempts: () => this.#attempts,
        };
      },
      poison: async (marker) => {
        this.#answers = (call) => (bodyOf(call).includes(marker) ? no : undefined);
        return { end: () => this.#end(), says: new RegExp(`${no.status}`) };
      },
      ...(refuseSome && {
        partialSuccess: async (marker: string) => {
          this.#answers = (call) => {
            if (bodyOf(call).includes(marker)) refuseSome(call, marker);
            return undefined;
          };
          return { end: () => this.#end(), says: /told to fail/ };
        },
      }),
    };
  }

  async #begin(fault: AnswerFault | undefined, onRequest?: () => void): Promise<Fault> {
    this.#server.fault = () => {
      this.#attempts.push(performance.now());
      onRequest?.();
      return fault;
    };
    return { end: () => this.#end() };
  }

  async #end(): Promise<void> {
    this.#answers = undefined;
    await this.#server.up();
    await this.#begin(undefined);
  }

  /** Says that it is down, then is. */
  async #unavailable(): Promise<Fault> {
    let requests = 0;
    let down: Promise<void> | undefined;
    await this.#begin({ status: 503 }, () => {
      requests += 1;
      if (requests === 2) down = this.#server.down();
    });
    return {
      says: /503|refused|closed/i,
      end: async () => {
        await down;
        await this.#end();
      },
    };
  }

  /** The same service under a certificate that no authority signed. */
  async #untrusted(): Promise<Fault> {
    const tls = selfSignedCertificate();
    const server = await FaultyServer.start(() => this.#options.yes, { tls });
    return { config: this.#options.configAt(server.url), end: () => server.close() };
  }

  async #answer(origin: string, call: SinkRequest): Promise<SinkAnswer> {
    return this.#answers?.(call) ?? forwardHttp(origin, call);
  }
}

/** A request's body as it was before it was compressed. */
export function bodyOf({ headers, body }: SinkRequest): Buffer {
  switch (headers["content-encoding"]) {
    case "gzip":
      return gunzipSync(body);
    case "zstd":
      return zstdDecompressSync(body);
    default:
      return body;
  }
}

/** Asks the service at `origin` the same, and resolves with its answer. */
export async function forwardHttp(
  origin: string,
  { method, path, headers, body }: SinkRequest,
): Promise<SinkAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<SinkAnswer>();
  const outgoing = request(new URL(path, origin), { method, headers, agent: false });
  outgoing.on("error", reject);
  outgoing.on("response", (incoming) => {
    const { statusCode: status = 0, headers: given } = incoming;
    const kept = Object.entries(given).filter(([name]) => name === "content-type");
    buffer(incoming).then((answer) => {
      resolve({ status, headers: Object.fromEntries(kept) as Record<string, string>, body: answer });
    }, reject);
  });
  outgoing.end(body);
  return promise;
}
