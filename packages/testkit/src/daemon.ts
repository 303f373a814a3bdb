import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chown, mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.resolve("@sandglass/server")));
const READY = /(https?:\/\/[^\s"]+)/;

export interface StartDaemonOptions {
  /** What is run, with the arguments in front of the daemon's flags. Default: the server alone, which serves nothing beside the API. */
  program?: readonly [main: string, ...args: string[]];
  /** Default: a new temporary directory, removed by `stop`. One that is given is left. */
  dataDir?: string;
  /** Further flags of `sandglass serve`. */
  args?: readonly string[];
  /**
   * Whom it runs as, with a home directory of its own and no further groups. Default: the test's own user. `through` is a
   * program that executes what follows it, for what root has to prepare; `within` is one that does so as this user.
   */
  user?: { uid: number; gid: number; through?: readonly string[]; within?: readonly string[] };
  /** Over the environment of the test; undefined takes a variable out. */
  env?: Readonly<Record<string, string | undefined>>;
  /** False reads stdout only until the daemon is ready, as a terminal that was stopped would. Default true. */
  isStdoutRead?: boolean;
  /** Keys in the form of `SANDGLASS_API_KEYS`; default: one random key. An empty list has the daemon make its own. */
  apiKeys?: readonly string[];
}

/** A daemon in a process of its own, as a user starts it. */
export interface TestDaemon extends AsyncDisposable {
  /** `http://127.0.0.1:<free port>`; https with a certificate */
  readonly url: string;
  /** The first of its keys; "" where it made its own. */
  readonly apiKey: string;
  readonly dataDir: string;
  /** Where the daemon writes a key that it made itself. */
  readonly credentialsFile: string;
  readonly pid: number;
  /** SIGTERM, then waits for the end; removes the directories it made. Resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, as a crash would have it; leaves the data directory. */
  kill(): Promise<void>;
  /** Resolves with the exit code, null where a signal ended it. */
  readonly exited: Promise<number | null>;
  /** What it wrote to stdout and stderr so far. */
  logs(): string;
}

/**
 * Starts a real daemon on a free port and waits until it is ready.
 *
 * @throws Error with everything it wrote where it ends before that
 * @example await using daemon = await startDaemon()
 */
export async function startDaemon(options: StartDaemonOptions = {}): Promise<TestDaemon> {
  const home = await mkdtemp(join(tmpdir(), "sandglass-test-"));
  const dataDir = options.dataDir ?? join(home, "data");
  const apiKeys = options.apiKeys ?? [`test_${randomBytes(24).toString("base64url")}`];
  const credentialsFile = options.env?.SANDGLASS_CREDENTIALS ?? join(home, "credentials.json");
  const { user } = options;
  if (user !== undefined) await chown(home, user.uid, user.gid);
  const [program = "", ...before] = asUser(user);
  const child = spawn(
    program,
    [
      ...before,
      ...(options.program ?? [MAIN]),
      "--port",
      "0",
      "--data-dir",
      dataDir,
      ...(options.args ?? []),
    ],
    {
      cwd: home,
      env: {
        ...withoutOurs(process.env),
        SANDGLASS_CREDENTIALS: credentialsFile,
        // What a daemon looks at by itself would be in every record that a test looks at.
        SANDGLASS_STATUS_ENABLED: "false",
        ...(user !== undefined && { HOME: home }),
        ...(apiKeys.length > 0 && { SANDGLASS_API_KEYS: apiKeys.join(",") }),
        ...options.env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const exited = once(child, "exit").then(([code]) => code as number | null);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));

  // What outlives a killed daemon holds its pipes; the test must not wait for that.
  void exited.then(() => {
    (child.stdout as Socket).unref();
    (child.stderr as Socket).unref();
  });
  const abandon = () => child.kill("SIGKILL");
  process.once("exit", abandon);
  void exited.then(() => process.off("exit", abandon));

  let url: string;
  try {
    url = await readyUrl(child, exited, () => text);
  } catch (error) {
    await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    throw error;
  }
  if (options.isStdoutRead === false) child.stdout.pause();
  const [first = ""] = apiKeys;
  const daemon: TestDaemon = {
    url,
    apiKey: first.replace(/^[A-Za-z0-9_-]+:/, "").replace(/@[^@]*$/, ""),
    dataDir,
    credentialsFile,
    pid: child.pid ?? 0,
    exited,
    async stop() {
      child.kill("SIGTERM");
      const code = await exited;
      await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
      return code;
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
    logs: () => text,
    async [Symbol.asyncDispose]() {
      await daemon.stop();
    },
  };
  return daemon;
}

/** Node, as this user. */
function asUser(user: StartDaemonOptions["user"]): string[] {
  if (user === undefined) return [process.execPath];
  const { uid, gid, through = [], within = [] } = user;
  const become = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
  return [...through, ...become, ...within, process.execPath];
}

async function readyUrl(
  child: ChildProcess,
  exited: Promise<number | null>,
  read: () => string,
): Promise<string> {
  const ready = new Promise<string>((resolve) => {
    const look = (): void => {
      const line = read()
        .split("\n")
        .slice(0, -1)
        .find((candidate) => candidate.includes("ready"));
      const url = line === undefined ? undefined : READY.exec(line)?.[1];
      if (url === undefined) return;
      child.stdout?.off("data", look);
      resolve(url);
    };
    child.stdout?.on("data", look);
  });
  const ended = exited.then(async (code) => {
    // Its last words may still be on their way.
    await Promise.race([once(child, "close"), setTimeout(1000)]);
    throw new Error(`the daemon ended with ${code} before it was ready:\n${read()}`);
  });
  return Promise.race([ready, ended]);
}

/** The settings of whoever runs the tests are not the tests'. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("SANDGLASS_")));
}
