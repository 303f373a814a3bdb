import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { until } from "../until.ts";
import { postgresCommand, postgresProgram } from "./postgres-programs.ts";

export interface PostmasterOptions {
  /** For its socket. */
  home: string;
  dataDir: string;
  port: number;
  settings: Readonly<Record<string, string>>;
  onLog(chunk: string): void;
}

/** One run of a server. */
export interface Postmaster {
  /** Sends a signal and resolves when it has ended. */
  end(signal: "SIGINT" | "SIGQUIT"): Promise<void>;
  /** SIGKILL, to its children as well: they would hold the shared memory for a moment. */
  kill(): Promise<void>;
}

/** Starts the server and resolves when it takes connections. Throws Error with what it logged where it ends before. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const { home, dataDir, port } = options;
  const settings = {
    ...options.settings,
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: home,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const [program = "", ...rest] = postgresCommand(postgresProgram("postgres"), ["-D", dataDir, ...args]);
  const child = spawn(program, rest, { cwd: "/", stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(child, "exit");
  let hasEnded = false;
  void exited.then(() => (hasEnded = true));
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    options.onLog(chunk);
  });

  await until("PostgreSQL takes connections", async () => {
    if (hasEnded) throw new Error(`PostgreSQL ended before it was ready:\n${text}`);
    return takesConnections(home, port);
  });

  return {
    async end(signal) {
      if (!hasEnded) child.kill(signal);
      await exited;
    },
    async kill() {
      const { pid } = child;
      if (hasEnded || pid === undefined) return;
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
      child.kill("SIGKILL");
      for (const each of children) killIfThere(Number(each));
      await exited;
      await until("its processes are gone", () => !children.some((each) => isThere(Number(each))));
      removeSharedMemory(dataDir);
    },
  };
}

/** Over its socket, which asks for no password. */
async function takesConnections(host: string, port: number): Promise<boolean> {
  const client = new Client({ host, port, user: "postgres", database: "postgres" });
  client.on("error", () => {});
  try {
    await client.connect();
    return true;
  } catch {
    // Not yet: whether it ever will is for the caller's deadline.
    return false;
  } finally {
    await client.end();
  }
}

/** A server that could not clean up leaves a segment until the machine starts anew. */
function removeSharedMemory(dataDir: string): void {
  const [, , , , , , segment = ""] = readFileSync(join(dataDir, "postmaster.pid"), "utf8").split("\n");
  const [, id] = segment.trim().split(/\s+/);
  if (id !== undefined) execFileSync("ipcrm", ["--shmem-id", id]);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
