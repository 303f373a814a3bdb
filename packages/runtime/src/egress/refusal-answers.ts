import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { DenialReason, EgressTarget } from "./egress-policy.ts";
import { hostOf } from "./egress-target.ts";

/** How long whoever was refused has to take the answer. */
const LAST_WORDS_MS = 2_000;

type Sentence = (target: EgressTarget | undefined) => string;

/** What a program inside is told. Which address a name leads to is not in it: that would show the network around the host. */
export const REFUSALS: Readonly<Record<DenialReason, Sentence>> = {
  not_allowed: (target) => `no rule of this sandbox's egress policy allows ${at(target)}`,
  denied: (target) => `this sandbox's egress policy denies ${at(target)}`,
  not_public: (target) => `${at(target)} is or leads to an address that is not public`,
  bad_request: () => "this is no request that a proxy takes: http://host/… or CONNECT host:port",
  not_attributed: (target) => `it could not be found out which exec asks for ${at(target)}`,
  too_many_connections: () => "this sandbox has too many connections",
  rate_limited: () => "this sandbox asks too often",
};

export const UNREACHABLE = (target: EgressTarget, error: string): string =>
  `${at(target)} could not be reached: ${error}`;

/** Answers a request of plain HTTP for which nothing was reached. */
export function answerRequest(response: ServerResponse, status: number, text: string, reason: string): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = `sandglass: ${text}\n`;
  // What is left of its body is not waited for.
  const fields = {
    "content-type": "text/plain; charset=utf-8",
    "x-sandglass-egress": reason,
    connection: "close",
  };
  response.writeHead(status, fields).end(body);
  lastWords(response.socket);
}

/** The same where there is only a connection. */
export function answerConnect(client: Socket, status: number, text: string, reason: string): void {
  const body = `sandglass: ${text}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "content-type: text/plain; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-sandglass-egress: ${reason}`,
    "connection: close",
  ];
  client.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  client.resume();
  lastWords(client);
}

/** The other side may be slow, or never close its half. */
function lastWords(client: Socket | null): void {
  const timer = setTimeout(() => client?.destroy(), LAST_WORDS_MS);
  client?.once("close", () => clearTimeout(timer));
}

function at(target: EgressTarget | undefined): string {
  return target === undefined ? "that destination" : `${hostOf(target)} on port ${target.port}`;
}
