import nodemailer, { type Transporter } from "nodemailer";
import type { Channel, Outcome } from "./outcome.ts";

const CONNECT_MS = 15_000;
const SILENCE_MS = 30_000;

export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
  /** The same for every attempt: receivers show it once. */
  messageId: string;
  /** Of the conversation that it belongs to. */
  inReplyTo?: string;
  /** Where it is managed, and ended by one POST (RFC 8058). */
  unsubscribeUrl: string;
}

interface SmtpError extends Error {
  code?: string;
  responseCode?: number;
}

/** Sends mail by SMTP. */
export class Mailer implements Channel<Mail> {
  readonly #from: string;
  readonly #transport: Transporter;

  /**
   * @param url `smtp://user:password@host:587` (STARTTLS where it is offered) or `smtps://…`
   * @throws Error for what is no such URL
   */
  constructor(url: string, from: string) {
    const { protocol, hostname } = new URL(url);
    if (!["smtp:", "smtps:"].includes(protocol) || hostname === "")
      throw new Error("it has to be smtp:// or smtps:// with a host");
    this.#from = from;
    this.#transport = nodemailer.createTransport({
      url,
      pool: true,
      maxConnections: 2,
      connectionTimeout: CONNECT_MS,
      greetingTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    // A connection of the pool that broke: what was to go over it has its own error.
    this.#transport.on("error", () => undefined);
  }

  async send(mail: Mail): Promise<Outcome> {
    const { to, subject, text, html, messageId, inReplyTo, unsubscribeUrl } = mail;
    try {
      await this.#transport.sendMail({
        ...{ from: this.#from, to, subject, text, html, messageId },
        ...(inReplyTo !== undefined && { inReplyTo, references: inReplyTo }),
        headers: {
          "List-Unsubscribe": `<${unsubscribeUrl}>`,
          "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
          "Auto-Submitted": "auto-generated",
          "X-Auto-Response-Suppress": "All",
        },
      });
      return { kind: "delivered" };
    } catch (error) {
      const { code, responseCode = 0 } = error as SmtpError;
      // Of a recipient, for good (RFC 5321, 4.2.1). Everything else may be well again later.
      if (code === "EENVELOPE" && responseCode >= 500)
        return { kind: "refused", reason: `SMTP ${responseCode}` };
      const reason = [code ?? "no answer", responseCode > 0 && `SMTP ${responseCode}`]
        .filter(Boolean)
        .join(", ");
      return { kind: "failed", reason: `mail could not be sent (${reason})` };
    }
  }

  close(): void {
    this.#transport.close();
  }
}
