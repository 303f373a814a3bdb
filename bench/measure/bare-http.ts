import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

/** What HTTP alone costs here: Node's own client, and a server in another process that answers without looking. */
export class BareHttp implements AsyncDisposable {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #port: number;
  readonly #stop: () => Promise<void>;

  private constructor(port: number, stop: () => Promise<void>) {
    this.#port = port;
    this.#stop = stop;
  }

  static async start(): Promise<BareHttp> {
    const server = fork(fileURLToPath(import.meta.url));
    const exited = once(server, "exit");
    const [port] = (await once(server, "message")) as [number];
    return new BareHttp(port, async () => {
      server.kill();
      await exited;
    });
  }

  /** One POST with a short body and a short answer, on a kept connection. */
  roundTrip(): Promise<void> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ agent: this.#agent, port: this.#port, method: "POST" }, (answer) => {
        answer.resume().on("end", resolve);
      });
      outgoing.on("error", reject).end('{"code":"print(1)"}');
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.#stop();
  }
}

if (import.meta.main) {
  const server = createServer((incoming, response) => {
    incoming.resume().on("end", () => response.end('{"stdout":"1\\n"}'));
  });
  server.listen(0, () => process.send?.((server.address() as AddressInfo).port));
}
