import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
/** Outlives the run of the tests: packages are fetched once for a checkout. */
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/sandglass-tests", import.meta.url));
const PYTHON_SDK = "1.36.0";
const NODE_API = "1.9.0";
const NODE_SDK = "2.2.0";

/** OpenTelemetry's own SDKs, in a directory that sandboxes may mount; to be removed by whoever asked for it. */
export interface SdkPackages {
  /** For PYTHONPATH. */
  python: string;
  /** Holds `node_modules`. */
  node: string;
  remove(): Promise<void>;
}

/**
 * Fetches the SDKs with pip and npm where the checkout does not have them yet.
 *
 * @throws Error with what pip or npm said
 */
export async function sdkPackages(): Promise<SdkPackages> {
  const [python, node] = await Promise.all([
    cached(`python-${PYTHON_SDK}`, (target) => [
      ...["python3", "-m", "pip", "install", "--quiet", "--root-user-action=ignore", "--only-binary=:all:"],
      ...["--target", target, `opentelemetry-sdk==${PYTHON_SDK}`],
    ]),
    cached(`node-${NODE_API}-${NODE_SDK}`, (target) => [
      ...["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "--no-package-lock"],
      ...["--prefix", target, `@opentelemetry/api@${NODE_API}`, `@opentelemetry/sdk-trace-node@${NODE_SDK}`],
    ]),
  ]);
  // A checkout may be below a directory that only its owner may enter; sandboxes run under other uids.
  const root = await mkdtemp(join(tmpdir(), "sg-otel-"));
  await chmod(root, 0o755);
  const copies = { python: join(root, "python"), node: join(root, "node") };
  await Promise.all([
    cp(python, copies.python, { recursive: true }),
    cp(node, copies.node, { recursive: true }),
  ]);
  return { ...copies, remove: () => rm(root, { recursive: true }) };
}

async function cached(name: string, install: (target: string) => string[]): Promise<string> {
  const path = join(CACHE, name);
  if (existsSync(path)) return path;
  await mkdir(CACHE, { recursive: true });
  const fetched = await mkdtemp(`${path}-`);
  const [program = "", ...args] = install(fetched);
  try {
    await run(program, args);
    await chmod(fetched, 0o755);
    await rename(fetched, path);
  } catch (error) {
    await rm(fetched, { recursive: true, force: true });
    if (existsSync(path)) return path; // another run of the tests was quicker
    const { stderr } = error as { stderr?: string };
    throw new Error(`${name} could not be fetched: ${stderr || (error as Error).message}`, { cause: error });
  }
  return path;
}
