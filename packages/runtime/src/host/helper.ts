import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { SandglassError } from "@sandglass/protocol";
import { NATIVE } from "../native.ts";
import { HandedSockets } from "./handed-sockets.ts";
import { HelperMessages, helperMessage } from "./helper-messages.ts";
import { Minder } from "./minder.ts";

/** The kernel, or newuidmap, did not let the helper have its user namespace. */
export class HelperRefused extends Error {
  constructor(step: string, why: string) {
    super(`cannot ${step}: ${why}`);
    this.name = "HelperRefused";
  }
}

/** The helper went away. What it was asked for has not begun: another one can be asked. */
export class HelperLost extends SandglassError {
  constructor() {
    super("DRIVER_ERROR", "the native helper went away");
  }
}

/** A native helper process (`native/helper.c`): it forks a {@link Minder} for each sandbox, which outlives it. */
export class Helper {
  readonly #child: ChildProcess;
  /** Those who wait for a minder, by the token it will have. */
  readonly #waiting = new Map<string, (error: Error) => void>();
  readonly #minders = new Set<Minder>();
  /** Also of minders that have outlived it: they have its end of the channel. */
  readonly #sockets = new HandedSockets();
  readonly #messages = new HelperMessages();
  readonly #ready = Promise.withResolvers<void>();
  #isGone = false;
  #isClosing = false;
  /** Called when it is gone without having been asked. */
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

  /** Some of its minders are still there, or it is itself. */
  get isInUse(): boolean {
    return !this.#isGone || this.#minders.size > 0;
  }

  /**
   * Has it fork a minder, which connects to `path` and introduces itself with `token`.
   *
   * @param connected resolves with that connection
   * @throws HelperLost where the helper goes before that, and DRIVER_ERROR where there is none
   */
  async mind(path: string, token: string, connected: Promise<Socket>): Promise<Minder> {
    if (this.#isGone) throw new HelperLost();
    const failed = Promise.withResolvers<never>();
    this.#waiting.set(token, failed.reject);
    this.#child.stdin?.write(helperMessage(["mind", token, path]));
    try {
      const minder = new Minder(await Promise.race([connected, failed.promise]), this.#sockets);
      this.#minders.add(minder);
      void minder.ended.then(() => this.#minders.delete(minder));
      if (!this.#isClosing) return minder;
      await minder.end();
      throw new HelperLost();
    } finally {
      this.#waiting.delete(token);
    }
  }

  /** Its minders end their sandboxes and themselves, then it leaves. */
  async close(): Promise<void> {
    this.onLost = undefined;
    this.#isClosing = true;
    await Promise.all([...this.#minders].map((minder) => minder.end()));
    if (this.#isGone) return;
    const exited = once(this.#child, "exit");
    this.#child.stdin?.end();
    await exited;
  }

  #onData(chunk: Buffer): void {
    try {
      for (const message of this.#messages.push(chunk)) this.#onMessage(message);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#child.kill("SIGKILL"); // its end is seen as any other's
    }
  }

  #onMessage([kind, first = "", second = ""]: string[]): void {
    if (kind === "ready") this.#ready.resolve();
    else if (kind === "stopped") this.#ready.reject(new HelperRefused(second, first));
    else if (kind === "failed") {
      const hint = "run `sandglass doctor`";
      this.#waiting.get(first)?.(
        new SandglassError("DRIVER_ERROR", `the sandbox could not be begun: ${second}`, { hint }),
      );
    }
  }

  #lost(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const lost = new HelperLost();
    this.#ready.reject(lost); // nothing, where it was ready
    for (const reject of this.#waiting.values()) reject(lost);
    this.onLost?.();
  }
}
