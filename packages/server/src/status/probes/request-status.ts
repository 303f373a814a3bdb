import { type ClientRequest, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

export interface StatusRequest {
  signal: AbortSignal;
  method?: "GET" | "HEAD";
  headers?: Readonly<Record<string, string>>;
  /** Default true. */
  isCertificateChecked?: boolean;
}

/**
 * The status that a URL is answered with. Redirects are not followed, bodies not read, connections not kept: each look is one of its own.
 *
 * @throws Error whose `code` says what went wrong (ECONNREFUSED, CERT_HAS_EXPIRED, …)
 */
export function requestStatus(url: URL, options: StatusRequest): Promise<number> {
  const { signal, method = "GET", headers = {}, isCertificateChecked = true } = options;
  return new Promise((resolve, reject) => {
    const common = {
      method,
      headers: { "user-agent": "sandglass-status", ...headers },
      signal,
      agent: false,
    };
    const sent: ClientRequest =
      url.protocol === "https:"
        ? httpsRequest(url, { ...common, rejectUnauthorized: isCertificateChecked })
        : httpRequest(url, common);
    sent.once("error", reject);
    sent.once("response", (response) => {
      // What comes behind the head is nobody's business here, however much it is.
      response.once("error", () => undefined);
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    sent.end();
  });
}
