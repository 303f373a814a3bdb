import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** What the instrumentation's tests mount into sandboxes. */
export const PYTHON_PACKAGES: readonly string[] = [
  "opentelemetry-distro",
  "opentelemetry-exporter-otlp-proto-http",
  "opentelemetry-instrumentation-sqlite3",
];
/** The last that runs on Node 20 too, which a host may have for its sandboxes. */
export const NODE_PACKAGES: readonly string[] = [
  "@opentelemetry/api@^1.9.0",
  "@opentelemetry/auto-instrumentations-node@0.70.0",
];

const CACHE = join(import.meta.dirname, "../../node_modules/.cache/sandglass-tests");

/**
 * A directory with these packages of the registry and all they need, for the Python or the Node of the sandboxes; installed once and
 * kept. Rejects with what the installer said where that fails.
 */
export async function installedPackages(
  manager: "pip" | "npm",
  packages: readonly string[],
): Promise<string> {
  const name = `${manager} ${packages.join(" ")}`.replaceAll(/[^\w.-]+/g, "-").slice(0, 200);
  const target = join(CACHE, name);
  if (existsSync(target)) return target;
  await mkdir(CACHE, { recursive: true });
  const fresh = await mkdtemp(join(CACHE, "new-"));
  const [command, ...args] =
    manager === "pip"
      ? [
          "/usr/bin/python3",
          "-m",
          "pip",
          "install",
          "--quiet",
          "--target",
          join(fresh, "packages"),
          ...packages,
        ]
      : ["npm", "install", "--no-audit", "--no-fund", "--prefix", join(fresh, "packages"), ...packages];
  try {
    await promisify(execFile)(command as string, args, { timeout: 300_000 });
    await rename(join(fresh, "packages"), target);
  } catch (error) {
    // Another run may have been quicker.
    if (!existsSync(target))
      throw new Error(`${command} could not install ${packages.join(" ")}`, { cause: error });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return target;
}
