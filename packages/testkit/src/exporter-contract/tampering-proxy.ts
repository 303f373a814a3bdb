import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const DRIP_MS = 30;
const PAGE =
  "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>Please sign in</html>";

/**
 * - `pass`: what either side says reaches the other
 * - `refuse`: connections are cut, and so are new ones
 * - `hang`: what the server says is kept back
 * - `drip`: what the server says arrives byte by byte
 * - `cut`: of the next thing that the server says half arrives, then the connection is reset
 * - `page`: whoever comes is answered with a page of HTML
 */
export type Tampering = "pass" | "refuse" | "hang" | "drip" | "cut" | "page";

/** A TCP proxy that spoils what a server says, for protocols that are not HTTP/1. */
export class TamperingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #targetPort: number;
  #tampering: Tampering = "pass";

  /** Listens on a free port of 127.0.0.1 and passes on to `targetPort` there. */
  static async start(targetPort: number): Promise<TamperingProxy> {
    const server = createServer();
    const proxy = new TamperingProxy(server, targetPort);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
    server.on("connection", (socket) => this.#join(socket));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on, on open connections as well. What passes again passes on new connections: old ones have lost bytes. */
  tamper(tampering: Tampering): void {
    const wasWell = this.#tampering === "pass";
    this.#tampering = tampering;
    if (tampering === "refuse" || tampering === "page" || !wasWell) this.#cutAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cutAll();
    this.#server.close();
    await once(this.#server, "close");
  }

  #cutAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #join(client: Socket): void {
    this.#track(client);
    if (this.#tampering === "refuse") return void client.resetAndDestroy();
    if (this.#tampering === "page") return void client.end(PAGE);
    const server = this.#track(connect(this.#targetPort, "127.0.0.1"));
    client.pipe(server);
    server.on("data", (bytes: Buffer) => this.#say(bytes, client, server));
    server.on("end", () => client.end());
    client.once("close", () => server.destroy());
    server.once("close", () => client.destroy());
  }

  #say(bytes: Buffer, client: Socket, server: Socket): void {
    switch (this.#tampering) {
      case "drip":
        server.pause();
        return void this.#drip(bytes, client).then(() => server.resume());
      case "cut":
        return void client.write(bytes.subarray(0, bytes.length >> 1), () => client.resetAndDestroy());
      case "pass":
        return void client.write(bytes);
      default:
    }
  }

  async #drip(bytes: Buffer, client: Socket): Promise<void> {
    for (const byte of bytes) {
      if (client.destroyed) return;
      client.write(Buffer.of(byte));
      await new Promise((resolve) => {
        setTimeout(resolve, DRIP_MS);
      });
    }
  }

  #track(socket: Socket): Socket {
    this.#sockets.add(socket.setNoDelay(true));
    // A cut connection is what this is for; both ends learn of it by their close.
    socket.on("error", () => undefined);
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }
}
