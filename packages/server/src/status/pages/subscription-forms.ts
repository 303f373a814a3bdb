import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { networkOf, SandglassError } from "@sandglass/protocol";
import type { ClientAddresses } from "../../http/client-address.ts";
import { MethodNotAllowedError } from "../../http/error-answer.ts";
import { type JsonBodyLimits, readText, refuseEncoded } from "../../http/json-body.ts";
import { RateLimit } from "../../http/rate-limit.ts";
import { RateLimitedError } from "../../http/rate-limited-error.ts";
import { type RequestRecord, writeHead } from "../../http/request-record.ts";
import type { Status } from "../status.ts";
import { emailOf, type Subscriptions } from "../subscriptions/subscriptions.ts";
import { servedLinks } from "./links.ts";
import { FORMS_POLICY, FORMS_REFERRER } from "./style.ts";
import { askedPage, managePage, messagePage, subscribePage, webhookPage } from "./subscription-pages.ts";

const SUBSCRIBE = "/status/subscribe";
const MANAGE = "/status/subscription";
const FORM_BYTES = 16 * 1024;
const FORM_TYPE = /^application\/x-www-form-urlencoded *(?:;|$)/i;
const HOUR_MS = 3_600_000;
/** Of one network, of everybody, and about one address: forms send mail to others than who fills them in. */
const PER_NETWORK = 10;
const PER_HOUR = 300;
const PER_ADDRESS = 2;

interface FormServices {
  status: Status;
  addresses: ClientAddresses;
  limits: JsonBodyLimits;
}

/** The forms of the status page. They answer the same whoever is subscribed already. */
export class SubscriptionForms {
  readonly #services: FormServices;
  readonly #networks = new RateLimit(PER_NETWORK, HOUR_MS);
  readonly #everybody = new RateLimit(PER_HOUR, HOUR_MS);
  readonly #addresses = new RateLimit(PER_ADDRESS, HOUR_MS);

  constructor(services: FormServices) {
    this.#services = services;
  }

  takes(path: string): boolean {
    return path === SUBSCRIBE || path === MANAGE;
  }

  /** @throws SandglassError for what is no form; RATE_LIMITED */
  async serve(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
  ): Promise<void> {
    record.route = path;
    const { method = "", url = "" } = request;
    if (method !== "GET" && method !== "HEAD" && method !== "POST")
      throw new MethodNotAllowedError(method, ["GET", "HEAD", "POST"]);
    const form = method === "POST" ? await this.#readForm(request) : undefined;
    const query = new URLSearchParams(url.split("?", 2)[1] ?? "");
    const { status, html } =
      path === MANAGE
        ? this.#manage(query, form)
        : form === undefined
          ? { status: 200, html: subscribePage(...this.#shown, this.#subscriptions.kinds) }
          : await this.#subscribe(form, request);
    const body = Buffer.from(html);
    writeHead(record, response, status, {
      "content-type": "text/html; charset=utf-8",
      "content-length": body.length,
      // Addresses and secrets: for whoever asked, this once.
      "cache-control": "no-store",
      "referrer-policy": FORMS_REFERRER,
      "content-security-policy": `${FORMS_POLICY}; frame-ancestors 'none'`,
      "x-robots-tag": "noindex",
    });
    response.end(method === "HEAD" ? undefined : body);
  }

  get #subscriptions(): Subscriptions {
    return this.#services.status.subscriptions;
  }

  get #shown() {
    return [this.#services.status.publicPicture(), servedLinks("")] as const;
  }

  async #subscribe(
    form: URLSearchParams,
    request: IncomingMessage,
  ): Promise<{ status: number; html: string }> {
    const address = form.get("address") ?? "";
    const components = this.#chosen(form);
    const { kinds } = this.#subscriptions;
    const again = (problem: string) => ({
      status: 422,
      html: subscribePage(...this.#shown, kinds, problem),
    });
    const isWebhook = form.get("kind") === "webhook";
    if (!isWebhook && !kinds.email) return again("Nobody can subscribe by e-mail here.");
    if (!isWebhook && emailOf(address) === undefined)
      return again("That is no e-mail address that a mail could be sent to.");
    this.#limit(this.#networks, networkOf(this.#services.addresses.of(request)));
    this.#limit(this.#everybody, "");
    if (isWebhook) {
      const made = await this.#subscriptions.subscribeWebhook(address, components);
      if (made === undefined) {
        return again(
          "That webhook was not subscribed: it has to be an https URL on a public address whose answer repeats the challenge.",
        );
      }
      const { id, secret, token } = made;
      return { status: 201, html: webhookPage(...this.#shown, secret, manageAddress(id, token)) };
    }
    // Who asks for the same address again and again is told the same, and mails nobody.
    const name = createHash("sha256")
      .update(emailOf(address) ?? "")
      .digest("base64");
    if (this.#addresses.take(name) === 0) this.#subscriptions.subscribeEmail(address, components);
    return { status: 202, html: askedPage(...this.#shown) };
  }

  #manage(query: URLSearchParams, form: URLSearchParams | undefined): { status: number; html: string } {
    const [id, token] = [query.get("id") ?? "", query.get("token") ?? ""];
    const subscriber = this.#subscriptions.find(id, token);
    const gone = (heading: string, line: string) => messagePage(...this.#shown, heading, [line]);
    // RFC 8058: whoever unsubscribes twice has unsubscribed.
    const isOneClick = form?.get("List-Unsubscribe") === "One-Click";
    if (subscriber === undefined) {
      const html = gone(
        "There is no such subscription",
        "It has ended, or the link is not whole. You are not told anything.",
      );
      return { status: isOneClick ? 200 : 404, html };
    }
    if (isOneClick || form?.get("action") === "unsubscribe") {
      this.#subscriptions.remove(id);
      return {
        status: 200,
        html: gone("Unsubscribed", "You are told nothing more, and nothing of you is kept."),
      };
    }
    const action = manageAddress(id, token);
    if (form === undefined) return { status: 200, html: managePage(...this.#shown, subscriber, action) };
    this.#subscriptions.confirm(id, this.#chosen(form));
    const now = this.#subscriptions.find(id, token) ?? subscriber;
    const words = subscriber.confirmedAt === undefined ? "You are subscribed." : "Saved.";
    return { status: 200, html: managePage(...this.#shown, now, action, words) };
  }

  /** Those of the components that are public. */
  #chosen(form: URLSearchParams): string[] {
    const { components } = this.#services.status.publicPicture();
    const wanted = new Set(form.getAll("component"));
    return components.map(({ id }) => id).filter((id) => wanted.has(id));
  }

  #limit(limit: RateLimit, name: string): void {
    const waitMs = limit.take(name);
    if (waitMs === 0) return;
    const hint = `try again in ${Math.ceil(waitMs / 60_000)} min`;
    throw new RateLimitedError("too many subscriptions were asked for", waitMs, hint);
  }

  async #readForm(request: IncomingMessage): Promise<URLSearchParams> {
    refuseEncoded(request);
    const type = request.headers["content-type"] ?? "";
    const text = await readText(request, { ...this.#services.limits, jsonBytes: FORM_BYTES });
    if (FORM_TYPE.test(type)) return new URLSearchParams(text);
    throw new SandglassError("UNSUPPORTED_MEDIA_TYPE", "the body has to be a form", {
      hint: "send content-type: application/x-www-form-urlencoded",
    });
  }
}

function manageAddress(id: string, token: string): string {
  return `${MANAGE}?${new URLSearchParams({ id, token })}`;
}
