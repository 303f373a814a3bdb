import type { IncomingMessage, ServerResponse } from "node:http";
import { SandglassError } from "@sandglass/protocol";
import { answerError, MethodNotAllowedError, type ReportInternal } from "../http/error-answer.ts";
import { type JsonBodyLimits, readJsonBody } from "../http/json-body.ts";
import type { RequestGuard } from "../http/request-guard.ts";
import { type RequestRecord, recordOf, writeHead } from "../http/request-record.ts";
import { VERSION } from "../version.ts";
import { type Asset, consoleDirectory, readAssets } from "./assets.ts";
import { sessionCookie } from "./session-cookie.ts";
import type { ConsoleSessions } from "./sessions.ts";

const PREFIX = "/console";
const SESSION = `${PREFIX}/session`;
/** Nothing but what the daemon itself serves, no inline script, in no frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
const PAGE_HEADERS = {
  "content-security-policy": POLICY,
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
};

export interface ConsoleServices {
  guard: RequestGuard;
  sessions: ConsoleSessions;
  limits: JsonBodyLimits;
  reportInternal: ReportInternal;
  /** False serves nothing. Default true. */
  isEnabled?: boolean;
  /** Where it was built. Default: the package beside this one. */
  directory?: string;
}

/** The web console at `/console/`: its files, which hold no data, and its sign-in. What it shows it reads from the API, as its user. */
export class Console {
  readonly #services: ConsoleServices;
  #assets: Promise<ReadonlyMap<string, Asset>> | undefined;

  constructor(services: ConsoleServices) {
    this.#services = services;
  }

  takes(request: IncomingMessage): boolean {
    if (this.#services.isEnabled === false) return false;
    const path = pathOf(request);
    return path === PREFIX || path.startsWith(`${PREFIX}/`);
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const record = recordOf(request);
    this.#serve(request, response, record).catch((error: unknown) =>
      answerError(error, request, response, record, this.#services.reportInternal),
    );
  }

  async #serve(request: IncomingMessage, response: ServerResponse, record: RequestRecord): Promise<void> {
    if (pathOf(request) === SESSION) return this.#serveSession(request, response, record);
    record.route = `${PREFIX}/{path+}`;
    record.isProbe = true;
    this.#guardPage(request);
    if (request.method !== "GET" && request.method !== "HEAD") {
      throw new MethodNotAllowedError(request.method ?? "", ["GET", "HEAD"]);
    }
    if (pathOf(request) === PREFIX) {
      writeHead(record, response, 308, { location: `${PREFIX}/`, "content-length": 0 });
      response.end();
      return;
    }
    const asset = await this.#find(pathOf(request).slice(PREFIX.length + 1));
    sendAsset(asset, request, response, record);
  }

  /** A link to a view may be followed from anywhere: the page holds nothing. It may not be framed or taken apart, and rebinding gets nowhere. */
  #guardPage(request: IncomingMessage): void {
    const { "sec-fetch-mode": mode, "sec-fetch-dest": destination, host } = request.headers;
    const isFollowed = mode === "navigate" && destination === "document";
    this.#services.guard(isFollowed ? ({ headers: { host } } as IncomingMessage) : request);
  }

  /** A file, or the page for every view. @throws SandglassError ROUTE_NOT_FOUND */
  async #find(path: string): Promise<Asset> {
    const directory = this.#services.directory ?? consoleDirectory();
    this.#assets ??= directory === undefined ? Promise.resolve(new Map()) : readAssets(directory);
    const assets = await this.#assets;
    // Built later: looked for again.
    if (assets.size === 0) this.#assets = undefined;
    const asset = assets.get(path) ?? (path.startsWith("assets/") ? undefined : assets.get("index.html"));
    if (asset !== undefined) return asset;
    throw new SandglassError("ROUTE_NOT_FOUND", "the console has no such file, or was not built", {
      hint: assets.size === 0 ? "build it with: npm run build -w @sandglass/console" : "load /console/ again",
    });
  }

  async #serveSession(
    request: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
  ): Promise<void> {
    const { guard, sessions, limits } = this.#services;
    record.route = SESSION;
    guard(request);
    switch (request.method) {
      case "POST": {
        const { value } = await readJsonBody(request, limits);
        const token = (value as { token?: unknown } | null)?.token;
        if (typeof token !== "string") throw new SandglassError("INVALID_REQUEST", "token must be a string");
        const { cookie, pageToken, expiresAt } = sessions.open(token);
        response.setHeader("set-cookie", sessionCookie(request, cookie, expiresAt - Date.now()));
        return sendJson(response, record, 201, { pageToken, expiresAt: new Date(expiresAt).toISOString() });
      }
      case "GET": {
        const session = sessions.describe(request);
        if (session === undefined) {
          throw new SandglassError("UNAUTHORIZED", "nobody is signed in here", {
            hint: "run `sandglass console`: it prints a link that signs you in",
          });
        }
        const { key } = session.use;
        record.orgId = key.orgId;
        record.keyId = key.id;
        const expiresAt = new Date(session.expiresAt).toISOString();
        return sendJson(response, record, 200, { key, expiresAt, version: VERSION });
      }
      case "DELETE":
        sessions.close(request);
        response.setHeader("set-cookie", sessionCookie(request, "", 0));
        writeHead(record, response, 204, {});
        response.end();
        return;
      default:
        throw new MethodNotAllowedError(request.method ?? "", ["GET", "POST", "DELETE"]);
    }
  }
}

function sendAsset(
  asset: Asset,
  request: IncomingMessage,
  response: ServerResponse,
  record: RequestRecord,
): void {
  const accepted = String(request.headers["accept-encoding"] ?? "");
  const encoding = (["br", "gzip"] as const).find((name) => asset[name] && accepted.includes(name));
  const body = (encoding && asset[encoding]) ?? asset.plain;
  writeHead(record, response, 200, {
    ...PAGE_HEADERS,
    "content-type": asset.contentType,
    "content-length": body.length,
    vary: "accept-encoding",
    ...(encoding && { "content-encoding": encoding }),
    ...(asset.isImmutable && { "cache-control": "public, max-age=31536000, immutable" }),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

function sendJson(response: ServerResponse, record: RequestRecord, status: number, value: object): void {
  const text = JSON.stringify(value);
  writeHead(record, response, status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

function pathOf({ url = "/" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "/";
}
