import { chmod, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { SandglassError } from "@sandglass/protocol";

const TOKEN_BYTES = 32;
const CONNECT_TIMEOUT_MS = 15_000;

interface Expected {
  resolve(socket: Socket): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/**
 * The Unix socket on which each minder speaks to the daemon, and delivers its sandbox's line to the host. It connects and writes the
 * sandbox's token before the agent is executed with the connected descriptor: nothing inside a sandbox ever sees the path or a token.
 */
export class AgentListener {
  readonly path: string;
  readonly #server: Server;
  readonly #expected = new Map<string, Expected>();

  private constructor(path: string, server: Server) {
    this.path = path;
    this.#server = server;
    server.on("error", (error) => process.emitWarning(`the agents' socket: ${error.message}`));
    server.on("connection", (socket) => this.#identify(socket));
  }

  static async start(path: string): Promise<AgentListener> {
    if (Buffer.byteLength(path) > 104) {
      throw new SandglassError(
        "UNSUPPORTED_ON_HOST",
        `the data directory's path is too long: ${path} must have at most 104 bytes`,
        {
          hint: "choose a shorter --data-dir",
        },
      );
    }
    await rm(path, { force: true });
    const server = createServer({ pauseOnConnect: false });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    await chmod(path, 0o600);
    return new AgentListener(path, server);
  }

  /** The connection that will introduce itself with `token`. @param whose as an error says it */
  expect(token: string, whose: string): Promise<Socket> {
    const connected = new Promise<Socket>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#expected.delete(token);
        reject(
          new SandglassError(
            "DRIVER_ERROR",
            `${whose} did not connect within ${CONNECT_TIMEOUT_MS / 1000} s`,
          ),
        );
      }, CONNECT_TIMEOUT_MS);
      this.#expected.set(token, { resolve, reject, timer });
    });
    connected.catch(() => {}); // whoever awaits it sees it; a create that failed earlier does not
    return connected;
  }

  forget(token: string): void {
    clearTimeout(this.#expected.get(token)?.timer);
    this.#expected.delete(token);
  }

  async close(): Promise<void> {
    for (const token of [...this.#expected.keys()]) this.forget(token);
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await rm(this.path, { force: true });
  }

  #identify(socket: Socket): void {
    let head: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      if (head.length < TOKEN_BYTES) return;
      clearTimeout(silent);
      socket.off("data", onData);
      socket.pause();
      const token = head.toString("latin1", 0, TOKEN_BYTES);
      const expected = this.#expected.get(token);
      if (expected === undefined) return void socket.destroy();
      this.forget(token);
      if (head.length > TOKEN_BYTES) socket.unshift(head.subarray(TOKEN_BYTES));
      socket.off("error", onError);
      expected.resolve(socket);
    };
    const onError = (): void => void socket.destroy();
    // Only the helper and its minders can reach this socket; one that stays silent is not its doing.
    const silent = setTimeout(() => socket.destroy(), CONNECT_TIMEOUT_MS).unref();
    socket.on("error", onError);
    socket.on("data", onData);
  }
}
