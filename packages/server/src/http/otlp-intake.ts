import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { SandglassError } from "@sandglass/protocol";
import { type Collector, refuseWithoutKey } from "@sandglass/telemetry";
import { organisationOf } from "../auth.ts";
import type { Keyring } from "../keys.ts";
import { answerError } from "./error-answer.ts";
import type { RequestGuard } from "./request-guard.ts";
import { recordOf } from "./request-record.ts";

const PREFIX = "/otlp";
/** Of the answer, what its sender is told. */
const ANSWER_HEADERS = ["content-type", "content-length", "retry-after", "allow"];
/** Of the request, what the collector needs to read it. */
const REQUEST_HEADERS = ["content-type", "content-length", "content-encoding", "transfer-encoding"];

/**
 * OTLP/HTTP at `/otlp/v1/{traces,logs,metrics}`, with an API key: what an agent's own process has to tell. It is passed on to the
 * collector's process unread, so that it costs this one next to nothing.
 */
export class OtlpIntake {
  readonly #collector: Collector;
  readonly #keyring: Keyring;
  readonly #guard: RequestGuard;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(collector: Collector, keyring: Keyring, guard: RequestGuard) {
    this.#collector = collector;
    this.#keyring = keyring;
    this.#guard = guard;
  }

  takes({ url = "" }: IncomingMessage): boolean {
    return this.takesPath(url);
  }

  takesPath(path: string): boolean {
    return path.startsWith(`${PREFIX}/`);
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const record = recordOf(request);
    this.#pass(request, response).catch((error: unknown) => {
      // Its sender has gone, or the collector is being started again.
      const refusal =
        error instanceof SandglassError
          ? error
          : new SandglassError("SHUTTING_DOWN", "telemetry cannot be taken right now", {
              hint: "send it again",
            });
      answerError(refusal, request, response, record, () => undefined);
    });
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#guard(request);
    const orgId = organisationOf(request.headers.authorization, this.#keyring);
    if (orgId === undefined) return refuseWithoutKey(request, response);
    const headers = Object.fromEntries(
      REQUEST_HEADERS.flatMap((name) => {
        const value = request.headers[name];
        return value === undefined ? [] : [[name, value]];
      }),
    );
    const onward = httpRequest({
      socketPath: this.#collector.socketPath,
      agent: this.#agent,
      method: request.method ?? "POST",
      path: (request.url ?? "").slice(PREFIX.length),
      headers: { ...headers, "x-sandglass-org": encodeURIComponent(orgId) },
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      onward.once("response", resolve);
      onward.once("error", reject);
      response.once("close", () => {
        if (!response.writableFinished) onward.destroy();
      });
    });
    // A refusal comes before all of the body was read: then the rest is not sent.
    pipeline(request, onward).catch(() => undefined); // the answer, or its failure, says what became of it
    const answer = await answered;
    const told = ANSWER_HEADERS.flatMap((name) => {
      const value = answer.headers[name];
      return value === undefined ? [] : [[name, value]];
    });
    response.writeHead(answer.statusCode ?? 502, Object.fromEntries(told) as Record<string, string>);
    await pipeline(answer, response);
  }
}
