import { execFile } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { chown } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** Where Debian keeps the programs of each major version. */
const VERSIONS = "/usr/lib/postgresql";

/** The path of a program of the newest PostgreSQL here; of the directory for "". Throws Error where there is none. */
export function postgresProgram(name: string): string {
  const [newest] = globSync("*/bin/postgres", { cwd: VERSIONS })
    .map((path) => Number(path.split("/")[0]))
    .sort((a, b) => b - a);
  if (newest === undefined) throw new Error("PostgreSQL is not installed: run `scripts/setup.sh --test`");
  return join(VERSIONS, String(newest), "bin", name);
}

/** Runs one of PostgreSQL's programs to its end. Throws Error with what it wrote where it fails. */
export function runPostgresProgram(name: string, args: readonly string[]): Promise<string> {
  return runAsPostgres(postgresProgram(name), args);
}

/** As {@link runPostgresProgram}, of any program; what it makes is PostgreSQL's. */
export async function runAsPostgres(program: string, args: readonly string[]): Promise<string> {
  const [command = "", ...rest] = postgresCommand(program, args);
  const { stdout } = await promisify(execFile)(command, rest, { cwd: "/" });
  return stdout;
}

/**
 * The command line that runs a program as whom PostgreSQL lets: not as root. It ends with the process that started it, also
 * where that one is killed.
 */
export function postgresCommand(program: string, args: readonly string[]): string[] {
  const owner = postgresOwner();
  const identity = owner ? [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--clear-groups"] : [];
  return ["setpriv", ...identity, "--pdeathsig", "QUIT", "--", program, ...args];
}

/** Lets PostgreSQL's processes have a file or directory. */
export async function giveToPostgres(path: string): Promise<void> {
  const owner = postgresOwner();
  if (owner) await chown(path, owner.uid, owner.gid);
}

/** Undefined where we are not root: then the programs run as ourselves. */
function postgresOwner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = existsSync("/etc/passwd") ? readFileSync("/etc/passwd", "utf8").split("\n") : [];
  const entry = users.find((line) => line.startsWith("postgres:"))?.split(":");
  if (entry === undefined) throw new Error("there is no user `postgres`, which Debian's package makes");
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}
