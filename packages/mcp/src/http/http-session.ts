import { createHash, randomUUID, timingSafeEqual } from "node:crypto";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import { Client, type CreateSandboxOptions } from "sandglass";
import type { OnProblem } from "../output/failure.ts";
import { buildServer } from "../server.ts";
import { Session } from "../session.ts";
import { RecentMessages } from "./recent-messages.ts";

export interface HttpSessionOptions {
  /** The daemon's own address: every call goes there, with the caller's key. */
  baseUrl: string;
  /** Of the session's own sandbox. */
  sandbox?: CreateSandboxOptions | undefined;
  captureContent?: boolean | undefined;
  onProblem: OnProblem;
}

/** A client of `/mcp` from its `initialize` to its DELETE, and the one key that may use it. */
export class HttpSession {
  readonly id: string = randomUUID();
  readonly #keyHash: Buffer;
  readonly #session: Session;
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  /** Requests that are being answered, streams that are open. */
  #open = 0;
  #lastUse = performance.now();
  #isDeleted = false;

  private constructor(key: string, session: Session) {
    this.#keyHash = hashOf(key);
    this.#session = session;
    this.#transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => this.id,
      onsessionclosed: () => {
        this.#isDeleted = true;
      },
      eventStore: new RecentMessages(),
    });
  }

  /** @param key of whoever opens it */
  static async open(key: string, options: HttpSessionOptions): Promise<HttpSession> {
    const { baseUrl, sandbox, captureContent, onProblem } = options;
    // Its own telemetry would be the daemon's: the record says it all.
    const client = new Client({ baseUrl, apiKey: key, sdkOtelEnabled: false });
    const session = new Session({ client, sandbox, captureContent, transport: "http", onProblem });
    const opened = new HttpSession(key, session);
    const server = buildServer(session);
    server.server.onerror = (error) => onProblem("an MCP session", error);
    await server.connect(opened.#transport);
    return opened;
  }

  /** Whether the client has said `initialize`: only then it is a session. */
  get isInitialized(): boolean {
    return this.#transport.sessionId !== undefined;
  }

  /** The client has ended it. */
  get isDeleted(): boolean {
    return this.#isDeleted;
  }

  /** Milliseconds since the last request, stream or call; 0 while there is one. */
  idleMs(now: number): number {
    return this.#open > 0 || this.#session.active > 0 ? 0 : now - this.#lastUse;
  }

  /** Compares in constant time: an id alone, read in a log, is of no use. */
  belongsTo(key: string): boolean {
    return timingSafeEqual(this.#keyHash, hashOf(key));
  }

  handle(request: Request): Promise<Response> {
    return this.#transport.handleRequest(request);
  }

  /** Keeps it from being idle while `work` lasts. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#open += 1;
    try {
      return await work();
    } finally {
      this.#open -= 1;
      this.#lastUse = performance.now();
    }
  }

  /** @param options as of {@link Session.close} */
  async close(options: { keepsSandbox?: boolean } = {}): Promise<void> {
    await this.#session.close(options);
    await this.#transport.close();
  }
}

function hashOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
