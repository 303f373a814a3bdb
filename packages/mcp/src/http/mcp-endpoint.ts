import type { IncomingMessage, ServerResponse } from "node:http";
import { HttpSession, type HttpSessionOptions } from "./http-session.ts";
import { jsonRpcError } from "./json-rpc-error.ts";
import { sendResponse } from "./send-response.ts";
import { UnreadAnswers } from "./unread-answers.ts";
import { webRequest } from "./web-request.ts";

/** Of one message: a file to write is a part of one. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const METHODS: readonly string[] = ["GET", "POST", "DELETE"];
const DEFAULT_IDLE_MS = 30 * 60_000;
const DEFAULT_MAX_SESSIONS = 256;
/** Of them one key may have: it must not take them from all others. */
const MAX_SHARE = 1 / 4;
/** How often idle sessions are looked for, at most. */
const MAX_SWEEP_MS = 60_000;

export interface McpEndpointOptions extends HttpSessionOptions {
  /** Until a session that nobody uses is closed; milliseconds. Default 30 minutes. */
  sessionIdleMs?: number;
  /** At once, of which one key may have a quarter. Default 256. */
  maxSessions?: number;
}

/** What whoever mounts it has found out about a request. */
export interface McpRequest {
  /** The caller's, that has been checked. */
  key: string;
  /** The body as it comes, or an error where it comes too slowly. */
  upload(): AsyncIterable<Uint8Array>;
}

/**
 * MCP over Streamable HTTP: POST a message, GET what the server has to say, DELETE the session. Whoever mounts it has checked origin,
 * host and key by then; the key is what every call of the session goes to the daemon with.
 */
export class McpEndpoint {
  readonly #options: McpEndpointOptions;
  readonly #sessions = new Map<string, HttpSession>();
  readonly #unread = new UnreadAnswers();
  readonly #sweeper: NodeJS.Timeout;
  #isClosed = false;

  constructor(options: McpEndpointOptions) {
    this.#options = options;
    const idleMs = options.sessionIdleMs ?? DEFAULT_IDLE_MS;
    this.#sweeper = setInterval(() => this.#closeIdle(idleMs), Math.min(MAX_SWEEP_MS, idleMs / 2));
    this.#sweeper.unref();
  }

  /** Sessions that are open. */
  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Serves one request.
   *
   * @throws SandglassError PAYLOAD_TOO_LARGE, and what reading the body throws
   */
  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    { key, upload }: McpRequest,
  ): Promise<void> {
    // Of others a request of the Web's form cannot even be made: TRACE.
    if (!METHODS.includes(request.method ?? "")) {
      const allow = METHODS.join(", ");
      const refusal = jsonRpcError(405, `only ${allow} are possible here`, { allow });
      return sendResponse(refusal, response, this.#unread);
    }
    const incoming = await webRequest(request, upload, MAX_MESSAGE_BYTES);
    const id = incoming.headers.get("mcp-session-id");
    const session = id === null ? await this.#begin(key) : this.#find(id, key);
    if (session instanceof Response) return sendResponse(session, response, this.#unread);
    await session.during(async () => {
      const answer = await session.handle(incoming);
      if (id === null && session.isInitialized) this.#sessions.set(session.id, session);
      if (session.isDeleted) await this.#end(session);
      await sendResponse(answer, response, this.#unread);
    });
    // It was no `initialize`: nobody can come back to it.
    if (!this.#sessions.has(session.id)) await session.close();
  }

  /** Ends every session: calls are cancelled, runs completed. Their sandboxes are left to the daemon, which ends them with itself. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    await Promise.all([...this.#sessions.values()].map((session) => session.close({ keepsSandbox: true })));
    this.#sessions.clear();
  }

  async #begin(key: string): Promise<HttpSession | Response> {
    if (this.#isClosed)
      return jsonRpcError(503, "SHUTTING_DOWN: the daemon is stopping and takes no more work");
    const limit = this.#options.maxSessions ?? DEFAULT_MAX_SESSIONS;
    const share = Math.ceil(limit * MAX_SHARE);
    const later = { "retry-after": "30" };
    if (this.#sessions.size >= limit)
      return jsonRpcError(503, `there are ${limit} sessions already: come again later`, later);
    const own = [...this.#sessions.values()].filter((session) => session.belongsTo(key)).length;
    if (own >= share) {
      const words = `this key has ${share} sessions already: end one with DELETE, or come again later`;
      return jsonRpcError(503, words, later);
    }
    return HttpSession.open(key, this.#options);
  }

  /** Somebody else's session is as good as none: that it exists is not theirs to know. */
  #find(id: string, key: string): HttpSession | Response {
    const session = this.#sessions.get(id);
    if (session?.belongsTo(key)) return session;
    return jsonRpcError(404, "there is no session of this id: begin a new one with initialize");
  }

  #closeIdle(idleMs: number): void {
    const now = performance.now();
    for (const session of this.#sessions.values()) {
      if (session.idleMs(now) >= idleMs) void this.#end(session);
    }
  }

  async #end(session: HttpSession): Promise<void> {
    this.#sessions.delete(session.id);
    try {
      await session.close();
    } catch (error) {
      this.#options.onProblem("an MCP session did not end in order", error);
    }
  }
}
