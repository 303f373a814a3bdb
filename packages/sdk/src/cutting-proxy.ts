import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy in front of a daemon that cuts its connections: what a flaky network does to a stream. */
export class CuttingProxy implements AsyncDisposable {
  readonly url: string;
  /** Where new connections lead; a daemon that was started again may listen elsewhere. */
  target: URL;
  /** Cuts a connection after so many bytes of answer; 0 cuts none. */
  cutAfterBytes = 0;
  cuts = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, target: URL) {
    this.#server = server;
    this.target = target;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (client) => this.#join(client));
  }

  static async start(target: string): Promise<CuttingProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    return new CuttingProxy(server, new URL(target));
  }

  #join(client: Socket): void {
    const upstream = connect(Number(this.target.port), this.target.hostname);
    let passed = 0;
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on("data", (chunk) => {
      passed += chunk.length;
      if (this.cutAfterBytes > 0 && passed >= this.cutAfterBytes) {
        this.cuts += 1;
        // Half of the last chunk still goes out: the cut is inside a line.
        client.write(chunk.subarray(0, chunk.length / 2), () => client.resetAndDestroy());
        upstream.destroy();
        return;
      }
      if (!client.write(chunk)) {
        upstream.pause();
        client.once("drain", () => upstream.resume());
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
