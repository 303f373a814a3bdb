import { randomBytes } from "node:crypto";
import { HttpSender, signatureHeaders, signingKey } from "@sandglass/telemetry";
import { VERSION } from "../../version.ts";
import type { Channel, Outcome } from "./outcome.ts";

const ANSWER_MS = 10_000;
const GONE = 410;
const MAX_ANSWER_BYTES = 4_096;

export interface WebhookMessage {
  url: string;
  /** `whsec_…` */
  secret: string;
  /** The same for every attempt. */
  id: string;
  body: string;
}

/** Calls webhooks by the Standard Webhooks scheme, on public addresses alone. */
export class WebhookCaller implements Channel<WebhookMessage> {
  readonly #sender: HttpSender;

  /** @param publicOnly false where whoever subscribes is known to be of this network */
  constructor(publicOnly = true) {
    this.#sender = new HttpSender({ publicOnly, maxSockets: 4, maxAnswerBytes: MAX_ANSWER_BYTES });
  }

  async send(message: WebhookMessage, signal: AbortSignal): Promise<Outcome> {
    try {
      const { status, headers } = await this.#post(message, signal);
      if (status >= 200 && status < 300) return { kind: "delivered" };
      if (status === GONE) return { kind: "gone" };
      const seconds = Number(headers["retry-after"]);
      const again = Number.isFinite(seconds) &&
        seconds > 0 && { retryAfterMs: Math.min(seconds, 86_400) * 1000 };
      return { kind: "failed", reason: `HTTP ${status}`, ...again };
    } catch (error) {
      signal.throwIfAborted();
      return { kind: "failed", reason: (error as Error).name };
    }
  }

  /** Whether who answers there wants it: the answer has to repeat what was asked. */
  async verify(url: string, secret: string, signal: AbortSignal): Promise<boolean> {
    const challenge = randomBytes(16).toString("hex");
    const body = JSON.stringify({
      type: "subscription.verification",
      timestamp: new Date().toISOString(),
      data: { challenge },
    });
    try {
      const answer = await this.#post({ url, secret, id: `msg_${challenge}`, body }, signal);
      if (answer.status < 200 || answer.status > 299) return false;
      const said: unknown = JSON.parse(answer.body.toString("utf8"));
      return typeof said === "object" && said !== null && "challenge" in said && said.challenge === challenge;
    } catch {
      // Why it was not answered is its owner's to find out, and tells a stranger about networks.
      return false;
    }
  }

  close(): void {
    this.#sender.close();
  }

  #post({ url, secret, id, body }: WebhookMessage, signal: AbortSignal) {
    const bytes = Buffer.from(body);
    const headers = {
      "content-type": "application/json",
      "user-agent": `sandglass/${VERSION}`,
      ...signatureHeaders(id, Date.now(), bytes, [signingKey("the webhook's secret", secret)]),
    };
    return this.#sender.post(
      new URL(url),
      bytes,
      headers,
      AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    );
  }
}
