import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";

const FIXTURES = join(import.meta.dirname, "fixtures");
/** Outlives the run of the tests: packages are fetched once for a checkout. */
const CACHE = join(import.meta.dirname, "../../node_modules/.cache/sandglass-tests");
/** For a hook that installs: the test's own time is for the test. */
export const INSTALL_TIMEOUT_MS = 400_000;

/** OpenTelemetry's own packages for the programs inside sandboxes, each in exactly the versions of its lock file. */
export const PACKAGE_SETS = ["otel-sdk-2", "otel-sdk-3", "python"] as const;
export type PackageSet = (typeof PACKAGE_SETS)[number];

/**
 * A directory with the packages of a set, installed when it is asked for the first time: for npm it holds `node_modules`, for pip it is
 * one for `PYTHONPATH`.
 *
 * @throws Error with what the installer said
 */
export async function installedSet(name: PackageSet): Promise<string> {
  const source = join(FIXTURES, name);
  const lock = name === "python" ? "requirements.txt" : "package-lock.json";
  const hash = createHash("sha256").update(await readFile(join(source, lock)));
  const target = join(CACHE, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(target)) return target;
  await mkdir(CACHE, { recursive: true });
  const fresh = await mkdtemp(join(CACHE, "new-"));
  const packages = join(fresh, "packages");
  try {
    if (name === "python") await pipInstall(join(source, lock), packages);
    else await npmInstall(source, packages);
    await rename(packages, target);
  } catch (error) {
    // Another run of the tests may have been quicker.
    if (existsSync(target)) return target;
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(
      `${name} could not be installed; is the registry of its packages in reach?\n${stderr || message}`,
      { cause: error },
    );
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return target;
}

async function pipInstall(requirements: string, target: string): Promise<void> {
  const options = ["--quiet", "--root-user-action=ignore", "--only-binary=:all:", "--no-deps"];
  const args = ["-m", "pip", "install", ...options, "--target", target, "--requirement", requirements];
  await run("/usr/bin/python3", args);
}

async function npmInstall(source: string, target: string): Promise<void> {
  await cp(source, target, { recursive: true });
  await run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", target]);
}

async function run(command: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(command, args, { timeout: INSTALL_TIMEOUT_MS });
}

/** What sandboxes may mount: sandboxes run under uids of their own, and a checkout may be where only its owner may enter. */
export class Mountable implements AsyncDisposable {
  #copies: string | undefined;

  /** The path itself, or a copy of it that everybody may enter. */
  async of(path: string): Promise<string> {
    if (isOpen(path)) return path;
    this.#copies ??= await mkdtemp(join(tmpdir(), "sg-mount-"));
    await chmod(this.#copies, 0o755);
    const copy = join(this.#copies, basename(path));
    await cp(path, copy, { recursive: true });
    await chmod(copy, 0o755);
    return copy;
  }

  /** A directory with the Node that runs the tests, which may be newer than the one of the sandboxes. */
  async node(): Promise<string> {
    const directory = dirname(process.execPath);
    if (isOpen(directory)) return directory;
    this.#copies ??= await mkdtemp(join(tmpdir(), "sg-mount-"));
    await chmod(this.#copies, 0o755);
    const copy = join(this.#copies, "node-bin");
    await mkdir(copy);
    await copyFile(process.execPath, join(copy, "node"));
    return copy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#copies !== undefined) await rm(this.#copies, { recursive: true, force: true });
  }
}

function isOpen(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === "/") return true;
  }
}
