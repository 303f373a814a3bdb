import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { SandglassError } from "@sandglass/protocol";
import type { Keyring, KeyUse } from "../keys.ts";
import { Session } from "./session.ts";
import { readSessionCookie } from "./session-cookie.ts";

const LINK_MS = 60_000;
const SESSION_MS = 12 * 3_600_000;
/** Of either kind; beyond it the oldest goes. */
const MAX_KEPT = 1_000;
/** What the page sends with every call; a page of another origin cannot send it at all. */
export const PAGE_HEADER = "x-sandglass-console";

export interface OpenedSession {
  /** For the cookie, which no script can read. */
  cookie: string;
  /** For the page, which no other origin can read. */
  pageToken: string;
  expiresAt: number;
}

/**
 * Who is signed in to the web console. A session is two secrets: a cookie and a token that the page keeps. Cookies go to every port of a host
 * name, so another server there gets to see one; without the token it opens nothing. Both are kept as digests, in memory: a restart signs
 * everybody out.
 */
export class ConsoleSessions {
  readonly #keyring: Pick<Keyring, "recall">;
  readonly #now: () => number;
  readonly #links = new Map<string, { keyDigest: string; expiresAt: number }>();
  readonly #sessions = new Map<string, Session>();

  /** @param now epoch milliseconds */
  constructor(keyring: Pick<Keyring, "recall">, now: () => number = Date.now) {
    this.#keyring = keyring;
    this.#now = now;
  }

  /** A token that {@link open} takes once, within a minute. */
  createLink({ digest }: KeyUse): { token: string; expiresAt: number } {
    const token = newToken();
    const expiresAt = this.#now() + LINK_MS;
    keep(this.#links, digestOf(token), { keyDigest: digest, expiresAt }, this.#now());
    return { token, expiresAt };
  }

  /** @throws SandglassError UNAUTHORIZED where the token was used, is over, or its key is */
  open(token: string): OpenedSession {
    const digest = digestOf(token);
    const link = this.#links.get(digest);
    this.#links.delete(digest);
    if (link === undefined || link.expiresAt <= this.#now() || !this.#keyring.recall(link.keyDigest)) {
      throw new SandglassError("UNAUTHORIZED", "this link was used already, or is over", {
        hint: "run `sandglass console` for a new one: a link works once, for a minute",
      });
    }
    const cookie = newToken();
    const pageToken = newToken();
    const expiresAt = this.#now() + SESSION_MS;
    const session = new Session({ keyDigest: link.keyDigest, pageDigest: digestOf(pageToken), expiresAt });
    const id = digestOf(cookie);
    keep(this.#sessions, id, session, this.#now(), (over) => this.#end(over));
    // What was begun in it ends then too, whether anybody asks for more or not.
    setTimeout(() => this.#end(id), SESSION_MS).unref();
    return { cookie, pageToken, expiresAt };
  }

  /**
   * What a request's session may do; undefined where it has none, or sends a key.
   *
   * @throws SandglassError UNAUTHORIZED where the session is over, or the page's own token is missing
   */
  admit(request: IncomingMessage): KeyUse | undefined {
    return this.#find(request)?.use;
  }

  /** As {@link admit}, with the session's end, epoch milliseconds. */
  describe(request: IncomingMessage): { use: KeyUse; expiresAt: number } | undefined {
    return this.#find(request);
  }

  /** Signs out: what the session has begun is cut. */
  close(request: IncomingMessage): void {
    const cookie = readSessionCookie(request);
    if (cookie !== undefined && this.#find(request) !== undefined) this.#end(digestOf(cookie));
  }

  #end(id: string): void {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    session?.end();
  }

  #find(request: IncomingMessage): { use: KeyUse; expiresAt: number } | undefined {
    const cookie = readSessionCookie(request);
    if (cookie === undefined || request.headers.authorization !== undefined) return undefined;
    const session = this.#sessions.get(digestOf(cookie));
    const said = request.headers[PAGE_HEADER];
    const isPage =
      typeof said === "string" &&
      session !== undefined &&
      timingSafeEqual(Buffer.from(digestOf(said)), Buffer.from(session.pageDigest));
    const use =
      isPage && session.expiresAt > this.#now() ? this.#keyring.recall(session.keyDigest) : undefined;
    if (session !== undefined && use !== undefined) {
      return { use: { ...use, session }, expiresAt: session.expiresAt };
    }
    throw new SandglassError("UNAUTHORIZED", "the session of the console is over", {
      hint: "sign in again: run `sandglass console`",
    });
  }
}

/** Drops what is over, and the oldest where there are too many. */
function keep<T extends { expiresAt: number }>(
  kept: Map<string, T>,
  id: string,
  value: T,
  now: number,
  drop: (id: string) => void = (over) => kept.delete(over),
): void {
  for (const [each, { expiresAt }] of kept) if (expiresAt <= now) drop(each);
  const [oldest] = kept.keys();
  if (kept.size >= MAX_KEPT && oldest !== undefined) drop(oldest);
  kept.set(id, value);
}

function newToken(): string {
  return randomBytes(32).toString("base64url");
}

function digestOf(token: string): string {
  return hash("sha256", token, "hex");
}
