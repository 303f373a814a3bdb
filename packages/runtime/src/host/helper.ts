import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { SandglassError } from "@sandglass/protocol";
import type { SocketHandle } from "../collector.ts";
import { NATIVE } from "../native.ts";
import { HandedSockets } from "./handed-sockets.ts";
import { HelperMessages } from "./helper-messages.ts";

/** What the helper needs to make one sandbox; the order of `native/helper.c`'s "create" message. */
export interface HelperCreate {
  id: string;
  mountPoint: string;
  /** Formatted disk image to copy; "" puts the upper layer into the directory `disk`. */
  image: string;
  disk: string;
  skeleton: string;
  usr: string;
  /** First of the 65,536 host uids and gids that belong to this sandbox; for a daemon that is not root one id of its user namespace. */
  uid: number;
  idmap: boolean;
  /** In place of a disk, overlays and `idmap`: a disk in memory, in the words of tmpfs ("size=64m"). */
  memoryDisk?: string | undefined;
  socket: string;
  /** Sent on the agent's socket before the agent has it. */
  hello: string;
  /** Open as descriptor 4 in the program: a seccomp filter, or what it is configured with. */
  file: string;
  oomScore: number;
  log: string;
  cgroups: readonly string[];
  argv: readonly string[];
}

interface Entry {
  resolve(pid: number): void;
  reject(error: Error): void;
  onExit(status: number): void;
}

/** The kernel, or newuidmap, did not let the helper have its user namespace. */
export class HelperRefused extends Error {
  constructor(step: string, why: string) {
    super(`cannot ${step}: ${why}`);
    this.name = "HelperRefused";
  }
}

/** The one native helper process of this daemon. */
export class Helper {
  readonly #child: ChildProcess;
  readonly #entries = new Map<string, Entry>();
  readonly #sockets = new HandedSockets();
  readonly #messages = new HelperMessages();
  readonly #ready = Promise.withResolvers<void>();
  #isClosed = false;
  /** Called when the helper is gone without having been asked. */
  onLost: (() => void) | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on("data", (chunk: Buffer) => this.#onData(chunk));
    child.stdin?.on("error", () => this.#lost()); // the pipe breaks when the helper is gone
    child.on("message", (message, handle) => this.#sockets.onMessage(message, handle));
    child.on("exit", () => this.#lost());
  }

  /**
   * @param user for a daemon that is not root: how the helper's user namespace is mapped (`user-mapping.ts`)
   * @throws HelperRefused where the kernel does not let the helper be what it has to be
   */
  static async start(user?: readonly string[]): Promise<Helper> {
    // The fourth is how sockets come here: Node takes a descriptor in no other way.
    const argv = user === undefined ? [] : ["user", ...user];
    const child = spawn(NATIVE.helper, argv, { stdio: ["pipe", "pipe", "inherit", "ipc"], env: {} });
    await once(child, "spawn");
    const helper = new Helper(child);
    await helper.#ready.promise;
    return helper;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Resolves with the pid of the sandbox's outermost process. `onExit` is called once, when it has gone and its mounts with it. */
  create(request: HelperCreate, onExit: (status: number) => void): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#entries.set(request.id, { resolve, reject, onExit });
      this.#send([
        "create",
        request.id,
        request.mountPoint,
        request.image,
        request.disk,
        request.skeleton,
        request.usr,
        String(request.uid),
        request.memoryDisk ?? (request.idmap ? "1" : "0"),
        request.socket,
        request.hello,
        request.file,
        String(request.oomScore),
        request.log,
        String(request.cgroups.length),
        ...request.cgroups,
        String(request.argv.length),
        ...request.argv,
      ]);
    });
  }

  /**
   * Opens listening sockets on the loopback of a sandbox's own network namespace, in the order of `ports`. They are the caller's
   * to close. Rejects with {@link NotYet} while the sandbox has no network, and with DRIVER_ERROR where it has gone or a port is taken.
   */
  async listen(id: string, ports: readonly number[]): Promise<SocketHandle[]> {
    if (ports.length === 0) return [];
    const { number, taken } = this.#sockets.expect(ports.length);
    try {
      this.#send(["listen", id, String(number), ...ports.map(String)]);
    } catch (error) {
      this.#sockets.refuse(number, error as Error);
    }
    return taken;
  }

  kill(id: string): void {
    if (!this.#isClosed) this.#send(["kill", id]); // with the helper its sandboxes are gone
  }

  /** The helper ends its sandboxes, then itself. */
  async close(): Promise<void> {
    this.onLost = undefined;
    if (this.#isClosed) return;
    const exited = once(this.#child, "exit");
    this.#child.stdin?.end();
    await exited;
  }

  #send(fields: readonly string[]): void {
    if (this.#isClosed) throw new SandglassError("DRIVER_ERROR", "the native helper is not running");
    const body = Buffer.from(`${fields.join("\0")}\0`);
    const head = Buffer.allocUnsafe(4);
    head.writeUInt32LE(body.length);
    this.#child.stdin?.write(Buffer.concat([head, body]));
  }

  #onData(chunk: Buffer): void {
    let messages: string[][];
    try {
      messages = this.#messages.push(chunk);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#child.kill("SIGKILL"); // its end is seen as any other's
      return;
    }
    for (const message of messages) this.#onMessage(message);
  }

  #onMessage([kind, id = "", text = ""]: string[]): void {
    if (kind === "refused") return this.#sockets.onRefusal(text);
    if (kind === "ready") return this.#ready.resolve();
    if (kind === "stopped") return this.#ready.reject(new HelperRefused(text, id));
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    if (kind === "created") return entry.resolve(Number(text));
    this.#entries.delete(id);
    if (kind === "failed")
      entry.reject(
        new SandglassError("DRIVER_ERROR", `the sandbox could not be built: ${text}`, {
          hint: "run `sandglass doctor`",
        }),
      );
    else entry.onExit(Number(text));
  }

  #lost(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    const lost = new SandglassError("DRIVER_ERROR", "the native helper went away");
    this.#ready.reject(lost); // nothing, where it was ready
    this.#sockets.close(lost);
    for (const entry of entries) {
      entry.reject(lost);
      entry.onExit(9);
    }
    this.onLost?.();
  }
}
