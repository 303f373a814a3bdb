import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { until } from "@sandglass/testkit";

/** A connection that says exactly what a test has it say. */
export class RawConnection {
  readonly socket: Socket;
  /** Everything that came back so far. */
  text = "";
  isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1").on("data", (chunk: string) => (this.text += chunk));
    // A reset is an end as good as any.
    socket.on("error", () => undefined).once("close", () => (this.isClosed = true));
  }

  /** Resolves when it is open. */
  static async open(url: string, options: { allowHalfOpen?: boolean } = {}): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), ...options });
    const connection = new RawConnection(socket);
    await once(socket, "connect");
    return connection;
  }

  say(text: string): this {
    this.socket.write(text, "latin1");
    return this;
  }

  /** Resolves when what came back holds `text`. */
  async hears(text: string): Promise<void> {
    await until(`"${text}" comes back`, () => this.text.includes(text));
  }

  /** Whether the daemon still has it open, as the kernel says: who reads nothing is not told of an end. */
  async isHeld(): Promise<boolean> {
    const { localPort = 0, remotePort = 0 } = this.socket;
    const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");
    const line = new RegExp(`^ *\\d+: \\S+:${hex(remotePort)} \\S+:${hex(localPort)} 0[18] `, "m");
    return line.test(await readFile("/proc/net/tcp", "utf8"));
  }

  /** Resolves with everything that came back when the daemon has closed it. */
  async closed(): Promise<string> {
    await until("the connection is closed", () => this.isClosed);
    return this.text;
  }
}
