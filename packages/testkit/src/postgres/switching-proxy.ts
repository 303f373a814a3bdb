import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy at a fixed port whose target can be changed: what a virtual address or a pooler is to a pair of databases. */
export class SwitchingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #targetPort: number | undefined;

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
    server.on("connection", (socket) => this.#join(socket));
  }

  /** Listens on a free port of 127.0.0.1 and passes on to `targetPort` there. */
  static async start(targetPort: number): Promise<SwitchingProxy> {
    const server = createServer();
    const proxy = new SwitchingProxy(server, targetPort);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How many connections it holds open from clients and to the target, together. */
  get openSockets(): number {
    return this.#sockets.size;
  }

  /** Cuts all connections; new ones go to `targetPort`. Undefined refuses them. */
  switchTo(targetPort: number | undefined): void {
    this.#targetPort = targetPort;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.switchTo(undefined);
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket): void {
    this.#track(client);
    if (this.#targetPort === undefined) {
      client.resetAndDestroy();
      return;
    }
    const target = this.#track(connect(this.#targetPort, "127.0.0.1"));
    client.pipe(target);
    target.pipe(client);
    client.once("close", () => target.destroy());
    target.once("close", () => client.destroy());
  }

  #track(socket: Socket): Socket {
    this.#sockets.add(socket.setNoDelay(true));
    // A cut connection is what this is for; both ends learn of it by their close.
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }
}
