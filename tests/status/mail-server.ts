import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

export interface ReceivedMail {
  from: string;
  to: string;
  /** Names in lower case; folded lines are one. */
  headers: Map<string, string>;
  /** The plain text part, decoded. */
  text: string;
}

/** A real SMTP server, which asks for a password and keeps what it gets. */
export class MailServer implements AsyncDisposable {
  readonly mails: ReceivedMail[] = [];
  /** Given to every recipient where it is set: `451 later`. */
  refusal: { code: number; text: string } | undefined;
  readonly #server: SMTPServer;

  private constructor(user: string, password: string) {
    this.#server = new SMTPServer({
      authMethods: ["PLAIN"],
      disabledCommands: ["STARTTLS"],
      allowInsecureAuth: true,
      onAuth: (auth, _session, done) => {
        if (auth.username === user && auth.password === password) done(null, { user });
        else done(new Error("wrong password"));
      },
      onRcptTo: (_address, _session, done) => {
        if (this.refusal === undefined) return done();
        done(Object.assign(new Error(this.refusal.text), { responseCode: this.refusal.code }));
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          const { mailFrom, rcptTo } = session.envelope;
          const from = mailFrom === false ? "" : mailFrom.address;
          this.mails.push({
            from,
            to: rcptTo[0]?.address ?? "",
            ...parse(Buffer.concat(chunks).toString("utf8")),
          });
          done();
        });
      },
    });
  }

  static async start(user: string, password: string): Promise<MailServer> {
    const mail = new MailServer(user, password);
    mail.#server.on("error", (error: NodeJS.ErrnoException) => {
      // A daemon that is killed resets its connections.
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") throw error;
    });
    mail.#server.listen(0, "127.0.0.1");
    await once(mail.#server.server, "listening");
    return mail;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(resolve));
  }
}

function parse(mail: string): Pick<ReceivedMail, "headers" | "text"> {
  const end = mail.indexOf("\r\n\r\n");
  const headers = headersOf(mail.slice(0, end));
  const boundary = /boundary="?([^";]+)/.exec(headers.get("content-type") ?? "")?.[1] ?? "";
  const parts = mail.slice(end).split(`--${boundary}`);
  const plain = parts.find((part) => /content-type: text\/plain/i.test(part)) ?? "";
  const body = plain.slice(plain.indexOf("\r\n\r\n") + 4);
  const isQuoted = /content-transfer-encoding: quoted-printable/i.test(plain);
  return { headers, text: (isQuoted ? unquoted(body) : body).replaceAll("\r\n", "\n") };
}

function headersOf(text: string): Map<string, string> {
  const lines = text.replace(/\r\n[ \t]+/g, " ").split("\r\n");
  return new Map(
    lines.map((line) => [line.split(":", 1)[0]!.toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
}

function unquoted(text: string): string {
  const bytes = text
    .replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}
