import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { type StartDaemonOptions, startDaemon, type TestDaemon } from "@sandglass/testkit";

const API_KEY = "test_0123456789abcdefghijklmnopqrstuvwxyzABCD";

/** One data directory and one directory for temporary files, and one daemon after another that uses them. */
export class FiredDaemon implements AsyncDisposable {
  readonly dataDir: string;
  readonly temporaryDir: string;
  readonly #home: string;
  readonly #options: StartDaemonOptions;
  #current: TestDaemon | undefined;
  /** Whether it is being killed: connections break then. */
  isDoomed = false;

  private constructor(home: string, options: StartDaemonOptions) {
    this.#home = home;
    this.dataDir = options.dataDir ?? join(home, "data");
    this.temporaryDir = join(home, "tmp");
    this.#options = options;
  }

  /** @param options of every life; a data directory that is given is left */
  static async prepare(options: StartDaemonOptions = {}): Promise<FiredDaemon> {
    // Short: the agent's socket is below it, and the kernel takes 107 bytes.
    const daemon = new FiredDaemon(await mkdtemp("/tmp/sg-fire-"), options);
    await mkdir(daemon.temporaryDir);
    return daemon;
  }

  /** The one that runs. @throws Error between two lives */
  get current(): TestDaemon {
    if (this.#current === undefined) throw new Error("no daemon runs");
    return this.#current;
  }

  /** @param over options of this life alone */
  async start(over: StartDaemonOptions = {}): Promise<TestDaemon> {
    this.isDoomed = false;
    this.#current = await startDaemon({
      apiKeys: [API_KEY],
      ...this.#options,
      ...over,
      dataDir: this.dataDir,
      env: { TMPDIR: this.temporaryDir, ...this.#options.env, ...over.env },
    });
    return this.#current;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.isDoomed = true;
    await this.#current?.kill();
    await this.stop();
  }

  /** SIGTERM where it still runs; resolves with the exit code. */
  async stop(): Promise<number | null> {
    this.isDoomed = true;
    const daemon = this.#current;
    this.#current = undefined;
    return (await daemon?.stop()) ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}
