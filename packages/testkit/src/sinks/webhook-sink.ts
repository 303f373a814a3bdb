import { Webhook, WebhookVerificationError } from "standardwebhooks";
import {
  type FaultPlan,
  FaultyServer,
  type FaultyServerOptions,
  type SinkAnswer,
  type SinkRequest,
} from "./faulty-server.ts";

export interface WebhookSinkOptions extends FaultyServerOptions {
  /** What the receiver knows: a message signed with any of them is genuine. Default one secret. */
  secrets?: readonly string[];
  /** A larger body is answered with 413. Default 8 MiB. */
  maxBodyBytes?: number;
}

/** One genuine message. */
export interface WebhookMessage {
  /** `webhook-id`: the same when it is tried again. */
  id: string;
  headers: Readonly<Record<string, string>>;
  type: string;
  timestamp: string;
  events: readonly { id: string; sandboxId: string; seq: number }[];
}

/**
 * A receiver as Standard Webhooks recommends (https://www.standardwebhooks.com): the body is believed once its signature has been
 * verified, which is done by the reference library, and a message that comes again is known by its id.
 *
 * @example
 * await using sink = await WebhookSink.start();
 * const config = { url: sink.url, secret: sink.secret };
 */
export class WebhookSink implements AsyncDisposable {
  /** Every genuine message in the order it came, also those that came again. */
  readonly messages: WebhookMessage[] = [];
  /** How often each event came, by its id. */
  readonly copies = new Map<string, number>();
  /** How many messages were refused because of their signature, time or form. */
  refused = 0;
  /** What the receiver knows; may be changed at any time. */
  secrets: readonly string[];
  readonly #maxBodyBytes: number;
  #server: FaultyServer | undefined;

  static async start(options: WebhookSinkOptions = {}): Promise<WebhookSink> {
    const sink = new WebhookSink(options);
    sink.#server = await FaultyServer.start((request) => sink.#answer(request), options);
    return sink;
  }

  private constructor(options: WebhookSinkOptions) {
    this.secrets = options.secrets ?? [`whsec_${Buffer.alloc(32, "sandglass testkit").toString("base64")}`];
    this.#maxBodyBytes = options.maxBodyBytes ?? 8 * 1024 * 1024;
  }

  get server(): FaultyServer {
    if (!this.#server) throw new Error("the sink was not started");
    return this.#server;
  }

  get url(): string {
    return `${this.server.url}/hook`;
  }

  get secret(): string {
    return this.secrets[0] ?? "";
  }

  set fault(plan: FaultPlan | undefined) {
    this.server.fault = plan;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #answer({ method, headers, body }: SinkRequest): SinkAnswer {
    if (method !== "POST") return { status: 405 };
    if (body.length > this.#maxBodyBytes) return { status: 413 };
    const given = headers as Record<string, string>;
    const content = this.#verified(body, given);
    if (headers["content-type"] !== "application/json" || !isMessage(content)) {
      this.refused++;
      return { status: content === undefined ? 401 : 400 };
    }
    const { type, timestamp, data } = content;
    this.messages.push({
      id: given["webhook-id"] ?? "",
      headers: given,
      type,
      timestamp,
      events: data.events,
    });
    for (const { id } of data.events) this.copies.set(id, (this.copies.get(id) ?? 0) + 1);
    return { status: 204 };
  }

  /** Undefined where no known secret signed it, or not within the last five minutes. */
  #verified(body: Buffer, headers: Record<string, string>): unknown {
    for (const secret of this.secrets) {
      try {
        return new Webhook(secret).verify(body, headers);
      } catch (error) {
        if (!(error instanceof WebhookVerificationError)) throw error;
      }
    }
    return undefined;
  }
}

interface Content {
  type: string;
  timestamp: string;
  data: { events: WebhookMessage["events"] };
}

function isMessage(value: unknown): value is Content {
  const { type, timestamp, data } = Object(value) as Partial<Content>;
  return (
    typeof type === "string" && !Number.isNaN(Date.parse(timestamp ?? "")) && Array.isArray(data?.events)
  );
}
