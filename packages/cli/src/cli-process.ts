import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const MAIN = join(import.meta.dirname, "main.ts");

/** How a run of the command ended. */
export interface CliResult {
  stdout: string;
  stderr: string;
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface CliOptions {
  env?: Readonly<Record<string, string | undefined>>;
  stdin?: string | Buffer;
}

/** As `bin/sandglass` has them. */
const FLAGS = ["--max-semi-space-size=8", "--disable-warning=ExperimentalWarning"];

/** Starts the command as a user's shell would, without settings of whoever runs the tests. */
export function startCli(args: readonly string[], options: CliOptions = {}): ChildProcess {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("SANDGLASS_") && name !== "FORCE_COLOR",
  );
  const child = spawn(process.execPath, [...FLAGS, MAIN, ...args], {
    env: {
      ...Object.fromEntries(own),
      SANDGLASS_CREDENTIALS: "/nonexistent/credentials.json",
      ...options.env,
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin?.on("error", ignoreEarlyEnd);
  child.stdin?.end(options.stdin ?? "");
  return child;
}

/** Runs the command to its end. */
export async function runCommand(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = startCli(args, options);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { stdout, stderr, code, signal };
}

/** A command that ends without reading its stdin is no failure of the test. */
function ignoreEarlyEnd(): void {}
