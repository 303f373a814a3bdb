import { createHash, randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { isNonPublicHost } from "@sandglass/telemetry";
import type { StatusStats } from "../../metrics/status-metrics.ts";
import type { ChangeLog } from "../change-log.ts";
import type { StatusDatabase } from "../status-database.ts";
import { CONFIRMATION, type Delivery, DeliveryQueue, REMINDER } from "./delivery-queue.ts";
import { Dispatcher } from "./dispatcher.ts";
import { LinkKeys } from "./link-keys.ts";
import { Mailer } from "./mailer.ts";
import { confirmationMail, type MailContext, noticeMail, reminderMail } from "./messages.ts";
import { noticeOf } from "./notice.ts";
import type { Outcome } from "./outcome.ts";
import { SUBSCRIBER_KINDS, SUBSCRIBER_STATES, type Subscriber, SubscriberTable } from "./subscriber-table.ts";
import { WebhookCaller } from "./webhook-caller.ts";

/** More than a page of this size has, and little enough that nobody fills the disk by it. */
const MOST_SUBSCRIBERS = 50_000;
const MAX_URL_LENGTH = 2_000;
/** Names of hosts on the public net have a dot, and something at each side of it. */
const DOTTED = /^[^.]+(\.[^.]+)+$/;
const EMAIL = /^[^\s@"(),:;<>[\]\\\p{Cc}]{1,64}@[^\s@"(),:;<>[\]\\\p{Cc}]{1,253}$/u;

export interface SubscriptionsOptions {
  database: StatusDatabase;
  changes: ChangeLog;
  service: string;
  /** Public address. Absent: no mail, since nothing in it could be followed. */
  url: string | undefined;
  mail: { smtp: string; from: string } | undefined;
  webhooks: boolean;
  isPublic: (componentId: string) => boolean;
  nameOf: (componentId: string) => string;
  onProblem: (message: string, error: unknown) => void;
  /** For tests: webhooks on this machine, and shorter waits. */
  publicOnly?: boolean;
  firstRetryMs?: number;
}

/** Who wants to be told how the service is, and their being told. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #subscribers: SubscriberTable;
  readonly #queue: DeliveryQueue;
  readonly #links: LinkKeys;
  readonly #mailer: Mailer | undefined;
  readonly #caller: WebhookCaller | undefined;
  readonly #dispatcher: Dispatcher;
  readonly #stop = new AbortController();

  /** @throws Error for an SMTP URL that is none */
  constructor(options: SubscriptionsOptions) {
    const { database, changes, mail, webhooks, isPublic, onProblem, publicOnly, firstRetryMs } = options;
    this.#options = options;
    this.#subscribers = new SubscriberTable(database);
    this.#queue = new DeliveryQueue(database);
    this.#links = new LinkKeys(database);
    this.#mailer = mail && new Mailer(mail.smtp, mail.from);
    this.#caller = webhooks ? new WebhookCaller(publicOnly) : undefined;
    this.#dispatcher = new Dispatcher({
      ...{ database, changes, isPublic, onProblem },
      ...{ subscribers: this.#subscribers, queue: this.#queue },
      send: (delivery, subscriber, signal) => this.#send(delivery, subscriber, signal),
      ...(firstRetryMs !== undefined && { firstRetryMs }),
    });
  }

  /** What can be subscribed by, beside feeds. */
  get kinds(): { email: boolean; webhook: boolean } {
    return { email: this.#mailer !== undefined, webhook: this.#caller !== undefined };
  }

  /** For the operator. */
  stats(): Pick<StatusStats, "subscriptions" | "pending" | "oldestPendingMs" | "deliveries"> {
    const oldestAt = this.#queue.oldestAt();
    return {
      subscriptions: SUBSCRIBER_KINDS.flatMap((kind) =>
        SUBSCRIBER_STATES.map((state) => ({ kind, state, count: this.#subscribers.count(kind, state) })),
      ),
      pending: SUBSCRIBER_KINDS.map((kind) => ({ kind, count: this.#queue.count(kind) })),
      oldestPendingMs: oldestAt && Math.max(0, Date.now() - oldestAt),
      deliveries: this.#dispatcher.attempts.points(),
    };
  }

  /**
   * Asks the owner of an address whether they want it. Whether it was subscribed already shows nowhere but in their mail.
   *
   * What is no address is passed over.
   */
  subscribeEmail(given: string, components: readonly string[], now = Date.now()): void {
    const address = emailOf(given);
    if (this.#mailer === undefined || address === undefined) return;
    if (this.#subscribers.size >= MOST_SUBSCRIBERS) return;
    const asked = { kind: "email", address, components, at: now, isConfirmed: false } as const;
    const { id, confirmedAt } = this.#subscribers.add(asked);
    this.#queue.add(id, confirmedAt === undefined ? CONFIRMATION : REMINDER, now);
    this.#dispatcher.wake();
  }

  /** Asks who answers there. @returns undefined where it is no public URL, or was not answered as it has to be */
  async subscribeWebhook(
    given: string,
    components: readonly string[],
    now = Date.now(),
  ): Promise<{ id: string; secret: string; token: string } | undefined> {
    const url = this.#webhookUrl(given);
    if (this.#caller === undefined || url === undefined) return undefined;
    if (this.#subscribers.size >= MOST_SUBSCRIBERS) return undefined;
    const secret = `whsec_${randomBytes(32).toString("base64")}`;
    if (!(await this.#caller.verify(url, secret, this.#stop.signal))) return undefined;
    const asked = { kind: "webhook", address: url, components, secret, at: now, isConfirmed: true } as const;
    const { id } = this.#subscribers.add(asked);
    return { id, secret, token: this.#links.tokenOf(id) };
  }

  /** The one that a link is about; undefined for a link that is not, or no longer, good. */
  find(id: string, token: string): Subscriber | undefined {
    return this.#links.isGood(id, token) ? this.#subscribers.get(id) : undefined;
  }

  confirm(id: string, components: readonly string[], now = Date.now()): void {
    this.#subscribers.setComponents(id, components);
    this.#subscribers.confirm(id, now);
  }

  remove(id: string): void {
    this.#subscribers.remove(id);
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error("the status page is closing"));
    await this.#dispatcher.stop();
    this.#mailer?.close();
    this.#caller?.close();
  }

  async #send({ change, key }: Delivery, subscriber: Subscriber, signal: AbortSignal): Promise<Outcome> {
    const { changes, isPublic } = this.#options;
    const isAsked = change === CONFIRMATION || change === REMINDER;
    const [found] = isAsked ? [] : changes.read(change - 1, 1);
    // Its time is over, or it is about what is not public any more.
    const notice = found?.position === change ? noticeOf(found, isPublic) : undefined;
    if (!isAsked && notice === undefined) return { kind: "delivered" };
    if (subscriber.kind === "webhook") {
      if (this.#caller === undefined || notice === undefined) return { kind: "delivered" };
      const { type, at, data } = notice;
      const id = `msg_${createHash("sha256").update(`${subscriber.id}.${change}`).digest("hex").slice(0, 32)}`;
      const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
      return this.#caller.send(
        { url: subscriber.address, secret: subscriber.secret ?? "", id, body },
        signal,
      );
    }
    if (this.#mailer === undefined) return { kind: "failed", reason: "no mail server is configured" };
    const context = this.#mailContext();
    const recipient = { id: subscriber.id, to: subscriber.address, manageUrl: this.manageUrl(subscriber.id) };
    if (notice !== undefined) return this.#mailer.send(noticeMail(context, recipient, notice, change));
    const make = change === CONFIRMATION ? confirmationMail : reminderMail;
    return this.#mailer.send(make(context, recipient, `${key}.${subscriber.id}`));
  }

  /** Whoever has it may confirm, change and end the subscription. */
  manageUrl(id: string): string {
    return `${this.#options.url ?? ""}/status/subscription?${new URLSearchParams({ id, token: this.#links.tokenOf(id) })}`;
  }

  #mailContext(): MailContext {
    const { service, url = "", nameOf } = this.#options;
    return { service, url, domain: new URL(url).hostname, nameOf };
  }

  #webhookUrl(given: string): string | undefined {
    if (given.length > MAX_URL_LENGTH || !URL.canParse(given)) return undefined;
    const url = new URL(given);
    const { protocol, username, password, hostname } = url;
    if (username !== "" || password !== "" || !["https:", "http:"].includes(protocol)) return undefined;
    if ((this.#options.publicOnly ?? true) && (protocol !== "https:" || isNonPublicHost(hostname)))
      return undefined;
    url.hash = "";
    return url.href;
  }
}

/** An address as it is compared: capitals in a host name mean the same host. Undefined for what is none. */
export function emailOf(given: string): string | undefined {
  const text = given.trim().normalize("NFC");
  if (!EMAIL.test(text)) return undefined;
  const at = text.lastIndexOf("@");
  const host = text.slice(at + 1).toLowerCase();
  return !DOTTED.test(host) || isIP(host) !== 0 ? undefined : `${text.slice(0, at)}@${host}`;
}
