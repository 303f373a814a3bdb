import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { SandglassError } from "@sandglass/protocol";
import type { SocketHandle } from "../collector.ts";
import type { HandedSockets } from "./handed-sockets.ts";
import { HelperMessages, helperMessage } from "./helper-messages.ts";

/** What a minder needs to make its sandbox; the order of `native/minder.c`'s "create" message. */
export interface MinderCreate {
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

/** What one takes at most to kill its sandbox. Longer is one that somebody stopped: it hears nothing. */
const END_MS = 5_000;

/**
 * One sandbox's parent on the host, a process of its own (`native/minder.c`), and the line to it. Whatever takes the minder away takes
 * the sandbox with it, and no other.
 */
export class Minder {
  readonly #socket: Socket;
  readonly #sockets: HandedSockets;
  readonly #messages = new HelperMessages();
  readonly #created = Promise.withResolvers<number>();
  readonly #ended = Promise.withResolvers<void>();
  /** Requests for sockets that are under way. */
  readonly #asked = new Set<number>();
  /** The sandbox's outermost process, its child. */
  #child: number | undefined;
  #isAsked = false;
  #hasSaid = false;
  #isLost = false;
  #isClosed = false;

  /** @param sockets where those come that minders of its helper open */
  constructor(socket: Socket, sockets: HandedSockets) {
    this.#socket = socket;
    this.#sockets = sockets;
    this.#created.promise.catch(() => {}); // whoever creates sees it
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("error", () => socket.destroy()); // reported through close
    // Not at its close alone, which the sandbox's own line may have first.
    socket.on("end", () => this.#closed());
    socket.on("close", () => this.#closed());
    if (socket.destroyed)
      this.#closed(); // nobody says it again
    else socket.resume();
  }

  /** It went without having said that the sandbox has: it was killed, and the kernel kills the sandbox. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Resolves when its sandbox has gone with all its processes; or when the minder is lost, and they are about to. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Resolves with the pid of the sandbox's outermost process. Once. */
  create(request: MinderCreate): Promise<number> {
    this.#send([
      "create",
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
    return this.#created.promise;
  }

  /**
   * Opens listening sockets on the loopback of the sandbox's own network namespace, in the order of `ports`. They are the caller's
   * to close. Rejects with {@link NotYet} while the sandbox has no network, and with DRIVER_ERROR where it has gone or a port is taken.
   */
  async listen(ports: readonly number[]): Promise<SocketHandle[]> {
    if (ports.length === 0) return [];
    if (this.#isAsked || this.#isClosed) throw hasEnded();
    const { number, taken } = this.#sockets.expect(ports.length);
    this.#asked.add(number);
    this.#send(["listen", String(number), ...ports.map(String)]);
    try {
      return await taken;
    } finally {
      this.#asked.delete(number);
    }
  }

  /** It kills the sandbox, then leaves; resolves when that is done. One that does not within five seconds is killed. Idempotent. */
  end(): Promise<void> {
    if (this.#isAsked) return this.ended;
    this.#isAsked = true;
    this.#socket.end();
    const late = setTimeout(() => this.#kill(), END_MS);
    void this.ended.then(() => clearTimeout(late));
    return this.ended;
  }

  #kill(): void {
    if (this.#child !== undefined) killMinderOf(this.#child);
    this.#socket.destroy(); // and one that has nothing yet leaves when it goes on
  }

  #send(fields: readonly string[]): void {
    this.#socket.write(helperMessage(fields));
  }

  #onData(chunk: Buffer): void {
    try {
      for (const [kind, text = ""] of this.#messages.push(chunk)) this.#onMessage(kind, text);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#socket.destroy(); // it kills what it has, as it does when the daemon goes
    }
  }

  #onMessage(kind: string | undefined, text: string): void {
    if (kind === "refused") return this.#sockets.onRefusal(text);
    if (kind === "created") {
      this.#child = Number(text);
      return this.#created.resolve(this.#child);
    }
    this.#hasSaid = true;
    if (kind === "failed") {
      const hint = "run `sandglass doctor`";
      this.#created.reject(
        new SandglassError("DRIVER_ERROR", `the sandbox could not be built: ${text}`, { hint }),
      );
    }
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isLost = !this.#hasSaid;
    const error = this.#isLost ? new SandglassError("DRIVER_ERROR", MINDER_LOST) : hasEnded();
    this.#created.reject(error); // nothing, where it was created
    for (const number of this.#asked) this.#sockets.refuse(number, error);
    this.#ended.resolve();
  }
}

/** What is said of a sandbox that ended with its minder. */
export const MINDER_LOST = "the sandbox's minder, its parent process on the host, went away";

/** SIGKILL to the minder that is this process's parent. */
function killMinderOf(pid: number): void {
  try {
    const parent = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    if (readFileSync(`/proc/${parent}/comm`, "utf8") === "minder\n") process.kill(parent, "SIGKILL");
  } catch {
    // it has gone
  }
}

function hasEnded(): SandglassError {
  return new SandglassError("DRIVER_ERROR", "the sandbox has ended");
}
