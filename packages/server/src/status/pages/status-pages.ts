import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { SandglassError } from "@sandglass/protocol";
import type { ClientAddresses } from "../../http/client-address.ts";
import { answerError, MethodNotAllowedError, type ReportInternal } from "../../http/error-answer.ts";
import type { JsonBodyLimits } from "../../http/json-body.ts";
import type { RequestGuard } from "../../http/request-guard.ts";
import { type RequestRecord, recordOf, writeHead } from "../../http/request-record.ts";
import type { Picture } from "../picture.ts";
import type { Status } from "../status.ts";
import { findDocument } from "./documents.ts";
import { errorPage } from "./error-page.ts";
import { servedLinks } from "./links.ts";
import { isReadableHere } from "./readable-here.ts";
import { POLICY } from "./style.ts";
import { SubscriptionForms } from "./subscription-forms.ts";

/** Documents that are kept as they were rendered, for as long as what they show is the same. */
const KEPT = 200;
const MIN_COMPRESSED_BYTES = 1_024;

interface Rendered {
  body: Buffer;
  gzip: Promise<Buffer> | undefined;
  etag: string;
  contentType: string;
  maxAge: number;
}

export interface StatusPagesServices {
  status: Status;
  guard: RequestGuard;
  addresses: ClientAddresses;
  limits: JsonBodyLimits;
  /** Where the page is known to be; absent: where it was asked for. */
  url: string | undefined;
  reportInternal: ReportInternal;
}

/** `/status` and what belongs to it, `/api/v2`: for everybody, without a key, a script or a cookie. Rendered once for all who ask. */
export class StatusPages {
  readonly #services: StatusPagesServices;
  readonly #rendered = new Map<string, Rendered>();
  readonly #forms: SubscriptionForms;
  #picture: Picture | undefined;

  constructor(services: StatusPagesServices) {
    this.#services = services;
    this.#forms = new SubscriptionForms(services);
  }

  takes(request: IncomingMessage): boolean {
    const path = pathOf(request);
    return path === "/status" || path.startsWith("/status/") || path.startsWith("/api/v2/");
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const record = recordOf(request);
    const render = errorPage(request, () => this.#services.status.publicPicture());
    this.#serve(request, response, record).catch((error: unknown) =>
      answerError(error, request, response, record, this.#services.reportInternal, render),
    );
  }

  async #serve(request: IncomingMessage, response: ServerResponse, record: RequestRecord): Promise<void> {
    const path = pathOf(request).replace(/^\/status\/$/, "/status");
    record.route = path.startsWith("/api/") ? "/api/v2/{path+}" : "/status/{path+}";
    // Anybody may ask as often as they like: worth no more than a scrape is.
    record.isProbe = true;
    const { host } = request.headers;
    // A form has to come from a page of our own; what is only read may be read from anywhere.
    if (request.method === "POST") this.#services.guard(request);
    else this.#services.guard({ headers: { host } } as IncomingMessage);
    isReadableHere(request);
    if (this.#forms.takes(path)) return this.#forms.serve(path, request, response, record);
    const { method = "" } = request;
    if (method !== "GET" && method !== "HEAD") throw new MethodNotAllowedError(method, ["GET", "HEAD"]);
    const found = this.#find(path, request);
    const isCompressed =
      found.gzip !== undefined && String(request.headers["accept-encoding"] ?? "").includes("gzip");
    const headers = {
      "content-type": found.contentType,
      "cache-control": `public, max-age=${found.maxAge}`,
      etag: found.etag,
      vary: "accept-encoding, host",
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
      "referrer-policy": "no-referrer",
      "content-security-policy": `${POLICY}; frame-ancestors 'none'`,
    };
    if (isKnown(request.headers["if-none-match"], found.etag)) {
      writeHead(record, response, 304, headers);
      response.end();
      return;
    }
    const body = isCompressed ? ((await found.gzip) ?? found.body) : found.body;
    writeHead(record, response, 200, {
      ...headers,
      ...(isCompressed && { "content-encoding": "gzip" }),
      "content-length": body.length,
    });
    response.end(method === "HEAD" ? undefined : body);
  }

  /** @throws SandglassError ROUTE_NOT_FOUND */
  #find(path: string, request: IncomingMessage): Rendered {
    const picture = this.#services.status.publicPicture();
    if (picture !== this.#picture) this.#rendered.clear();
    this.#picture = picture;
    const origin = this.#services.url ?? originOf(request);
    const name = `${origin} ${path}`;
    const kept = this.#rendered.get(name);
    if (kept !== undefined) return kept;
    const document = findDocument(path, picture);
    if (document === undefined) {
      throw new SandglassError("ROUTE_NOT_FOUND", "there is no such page", {
        hint: "everything is at /status",
      });
    }
    const { contentType, maxAge } = document;
    const body = Buffer.from(document.render(picture, servedLinks(origin)));
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    const rendered: Rendered = {
      ...{ body, etag, contentType, maxAge },
      gzip: body.length < MIN_COMPRESSED_BYTES ? undefined : promisify(gzip)(body),
    };
    if (this.#rendered.size >= KEPT) this.#rendered.clear();
    this.#rendered.set(name, rendered);
    return rendered;
  }
}

/** As whoever asks calls us; the guard has let the name pass. */
function originOf({ headers, socket }: IncomingMessage): string {
  const isTls = "encrypted" in socket && socket.encrypted === true;
  return `${isTls ? "https" : "http"}://${headers.host ?? "localhost"}`;
}

function isKnown(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((tag) => [etag, `W/${etag}`, "*"].includes(tag.trim()));
}

function pathOf({ url = "/" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "/";
}
