import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { EgressTarget } from "./egress-policy.ts";
import { hostHeader } from "./egress-target.ts";
import type { Passage } from "./passage.ts";
import { answerRequest, UNREACHABLE } from "./refusal-answers.ts";
import { endToEndHeaders } from "./request-headers.ts";

const MAX_HEADER_BYTES = 64 * 1024;
/** Methods of which a server expects to be told that there is no body. */
const WITH_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/** Sends a request of plain HTTP on, over a connection of its own, and passes the answer back as it comes. */
export function forwardRequest(
  passage: Passage,
  parts: { request: IncomingMessage; response: ServerResponse; target: EgressTarget; path: string },
): void {
  const { request, response, target, path } = parts;
  const { upstream, via } = passage;
  const fail = (error: string): void => {
    passage.end(error);
    answerRequest(response, 502, UNREACHABLE(target, error), error);
  };
  const hasBody = "content-length" in request.headers || "transfer-encoding" in request.headers;
  const outgoing = httpRequest({
    // Without an agent, which would make a connection of its own.
    createConnection: () => upstream,
    method: request.method,
    // Another proxy is told the whole URL (RFC 9112, section 3.2.2).
    path: via === undefined ? path : `http://${hostHeader(target)}${path}`,
    setHost: false,
    headers: [...outgoingHeaders(request, target, hasBody), ...credentialsOf(passage)],
    maxHeaderSize: MAX_HEADER_BYTES,
    insecureHTTPParser: false,
  });
  outgoing.on("error", (error: NodeJS.ErrnoException) => fail(error.code ?? "failed"));
  outgoing.on("upgrade", () => fail("bad_response")); // nothing was asked to change the protocol
  outgoing.on("response", (incoming) => {
    // The client can do nothing about another proxy's want of credentials.
    if (via !== undefined && incoming.statusCode === 407) return fail("upstream_407");
    try {
      // Its own status line and fields; how its body is framed is between us and the client.
      response.sendDate = false;
      response.writeHead(
        incoming.statusCode as number,
        incoming.statusMessage,
        endToEndHeaders(incoming.rawHeaders),
      );
    } catch {
      return fail("bad_response"); // fields that Node reads and does not write
    }
    incoming.once("end", () => passage.end());
    incoming.once("error", (error: NodeJS.ErrnoException) => {
      passage.end(error.code ?? "failed");
      response.destroy();
    });
    incoming.pipe(response);
  });
  request.once("error", () => outgoing.destroy());
  if (hasBody) request.pipe(outgoing);
  else outgoing.end();
}

function credentialsOf({ via }: Passage): string[] {
  const authorization = via?.proxy.authorization;
  return authorization === undefined ? [] : ["Proxy-Authorization", authorization];
}

function outgoingHeaders(request: IncomingMessage, target: EgressTarget, hasBody: boolean): string[] {
  const kept = endToEndHeaders(request.rawHeaders);
  // The URI decides where it goes and to whom it is said to go, whatever the client's own field says (RFC 9112, section 3.2.2).
  const headers = ["Host", hostHeader(target)];
  for (let index = 0; index < kept.length; index += 2) {
    const name = kept[index] as string;
    if (name.toLowerCase() !== "host") headers.push(name, kept[index + 1] as string);
  }
  if (!hasBody && WITH_BODY.has(request.method ?? "")) headers.push("Content-Length", "0");
  if (hasBody && "transfer-encoding" in request.headers) headers.push("Transfer-Encoding", "chunked");
  headers.push("Connection", "close");
  return headers;
}
