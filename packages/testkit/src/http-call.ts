import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";

export interface HttpCall {
  /** Sent as it is, with its content type. */
  json?: unknown;
  /** Sent as it is, without one. */
  body?: string | Uint8Array;
  /** Over what the call would send; undefined takes one out. */
  headers?: Readonly<Record<string, string | undefined>>;
  /** Leaves the body open, for `startHttp`'s caller to write. */
  isOpen?: boolean;
  /** Default: the daemon's first. An empty one sends none. */
  apiKey?: string;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingMessage["headers"];
  text: string;
  /** The body parsed; of NDJSON see {@link jsonLines}. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of every shape
  json: any;
}

interface Target {
  url: string;
  apiKey: string;
}

/**
 * One HTTP request as it is, without anything a client would do about it: any `Host`, any header, any body.
 *
 * @param line method and path, e.g. `POST /v1/sandboxes`
 */
export async function callHttp(target: Target, line: string, call: HttpCall = {}): Promise<HttpAnswer> {
  const response = await openHttp(target, line, call);
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) text += chunk;
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}

/** As {@link callHttp}, resolving when the head of the answer is there. */
export async function openHttp(target: Target, line: string, call: HttpCall = {}): Promise<IncomingMessage> {
  const [response] = (await once(startHttp(target, line, call), "response")) as [IncomingMessage];
  return response;
}

/** As {@link openHttp}, before any answer. */
export function startHttp(target: Target, line: string, call: HttpCall = {}): ClientRequest {
  const [method = "", path = ""] = line.split(" ");
  const { hostname, port } = new URL(target.url);
  const body = call.json === undefined ? call.body : JSON.stringify(call.json);
  const apiKey = call.apiKey ?? target.apiKey;
  const headers: Record<string, string | undefined> = {
    ...(apiKey !== "" && { authorization: `Bearer ${apiKey}` }),
    ...(call.json !== undefined && { "content-type": "application/json" }),
    ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }),
    ...call.headers,
  };
  const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  const outgoing = request({
    hostname,
    port,
    method,
    path,
    headers: sent as Record<string, string>,
    agent: false,
  });
  if (call.isOpen !== true) outgoing.end(body);
  return outgoing;
}

/** The objects of an NDJSON body. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function jsonLines(text: string): any[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
