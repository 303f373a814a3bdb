import { STATUS_CODES } from "node:http";
import type { HttpAnswer } from "./http-answer.ts";

/** Writes answers on connections that are kept, as a server of node:http writes them. */
export class PlainAnswers {
  readonly #kept: string;
  /** The second that {@link PlainAnswers.#date} is about. */
  #second = 0;
  #date = "";

  /** @param idleTimeoutMs what the sender is told of how long the connection is kept */
  constructor(idleTimeoutMs: number) {
    const seconds = Math.floor(idleTimeoutMs / 1000);
    this.#kept = `Connection: keep-alive\r\n${seconds > 0 ? `Keep-Alive: timeout=${seconds}\r\n` : ""}\r\n`;
  }

  /** @returns a text where there is no body, which is latin1 */
  encode({ status, headers, body }: HttpAnswer): string | Buffer {
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    head += `Date: ${this.#now()}\r\n${this.#kept}`;
    return body.length === 0 ? head : Buffer.concat([Buffer.from(head, "latin1"), body]);
  }

  #now(): string {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#date = new Date(second * 1000).toUTCString();
    }
    return this.#date;
  }
}
