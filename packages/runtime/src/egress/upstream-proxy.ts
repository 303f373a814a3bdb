import type { Socket } from "node:net";
import { SandglassError } from "@sandglass/protocol";
import type { EgressTarget } from "./egress-policy.ts";
import { hostHeader } from "./egress-target.ts";

/** A proxy of the host's network, behind which everything lies. */
export interface UpstreamProxy {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Value of `Proxy-Authorization`; a secret. */
  readonly authorization?: string;
}

/** Of the answer to CONNECT. */
const MAX_HEAD_BYTES = 16 * 1024;
const STATUS = /^HTTP\/1\.[01] (\d{3})[ \r]/;

/**
 * Reads `http://user:password@proxy.example:3128`; the port is 80 where none is given.
 *
 * @throws SandglassError INVALID_REQUEST, which repeats nothing of the text: there may be a password in it
 */
export function parseUpstreamProxy(text: string): UpstreamProxy {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && url.pathname === "/" && url.search === "" && url.hash === "";
  if (url?.protocol !== "http:" || url.hostname === "" || !isPlain)
    throw new SandglassError("INVALID_REQUEST", "an upstream proxy has to be http://host:port");
  const { hostname, port, username, password } = url;
  const credentials = decoded(`${username}:${password}`);
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? 80 : Number(port),
    ...(credentials !== ":" && {
      authorization: `Basic ${Buffer.from(credentials).toString("base64")}`,
    }),
  };
}

/**
 * Asks for a tunnel, over a connection that nothing else is on. What comes behind the answer is left to be read.
 *
 * @returns why there is none; undefined where it is open
 */
export async function askForTunnel(
  socket: Socket,
  { authorization }: UpstreamProxy,
  target: EgressTarget,
): Promise<string | undefined> {
  const authority = authorityOf(target);
  const fields = authorization === undefined ? "" : `Proxy-Authorization: ${authorization}\r\n`;
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let head = Buffer.alloc(0);
  const onReadable = (): void => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      head = Buffer.concat([head, chunk as Buffer]);
    }
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return head.length > MAX_HEAD_BYTES ? resolve("upstream_bad_answer") : undefined;
    const [, status = ""] = STATUS.exec(head.toString("latin1", 0, end)) ?? [];
    if (!status.startsWith("2")) return resolve(status === "" ? "upstream_bad_answer" : `upstream_${status}`);
    const rest = head.subarray(end + 4);
    socket.off("readable", onReadable);
    if (rest.length > 0) socket.unshift(rest);
    resolve(undefined);
  };
  const onEnd = (): void => resolve("upstream_closed");
  const onError = (error: NodeJS.ErrnoException): void => resolve(error.code ?? "failed");
  const onTimeout = (): void => resolve("connect_timeout");
  socket.on("readable", onReadable).once("end", onEnd).once("close", onEnd);
  socket.once("error", onError).once("timeout", onTimeout);
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${fields}\r\n`);
  const failure = await promise;
  socket.off("readable", onReadable).off("end", onEnd).off("close", onEnd);
  socket.off("error", onError).off("timeout", onTimeout);
  return failure;
}

/** CONNECT names the port always. */
function authorityOf(target: EgressTarget): string {
  const written = hostHeader(target);
  return target.port === 80 ? `${written}:80` : written;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a per cent sign that stands for itself
  }
}
