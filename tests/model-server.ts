import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

export interface ModelRequest {
  path: string;
  headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into bodies of two providers
  body: any;
}

/** An HTTP server in the place of a model provider: answers what the test scripts, keeps what it was asked. */
export class ModelServer implements AsyncDisposable {
  readonly requests: ModelRequest[] = [];
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, requests: ModelRequest[]) {
    this.#server = server;
    this.requests = requests;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param answers one per request, in order; a number is an error of that status */
  static async start(answers: readonly (object | number)[]): Promise<ModelServer> {
    const requests: ModelRequest[] = [];
    const server = createServer(async (request, response) => {
      requests.push({ path: request.url ?? "", headers: request.headers, body: await json(request) });
      const answer = answers[requests.length - 1] ?? 500;
      const status = typeof answer === "number" ? answer : 200;
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(status === 200 ? answer : { error: { message: `scripted ${status}` } }));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ModelServer(server, requests);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
