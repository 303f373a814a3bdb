import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram } from "../measure/program.ts";
import { type Peer, PRINTED, SHELL_LINE } from "./peer.ts";
import { versionOf } from "./version-of.ts";

const PACKAGE = "@anthropic-ai/sandbox-runtime";
const NOTE = "bwrap with a filtering proxy, no limits";

/** The package's own command, run with this Node: a process, its proxy and a sandbox each time. */
export const sandboxRuntimeCli: Peer = {
  name: `${PACKAGE}, srt`,
  note: NOTE,
  async start() {
    const { version, cli } = await findPackage();
    const dir = await mkdtemp(join(tmpdir(), "sandglass-bench-srt-"));
    const settings = join(dir, "settings.json");
    await writeFile(settings, JSON.stringify(settingsOf(dir)));
    // Its protections are computed from the working directory, so it gets an empty one.
    const argv = ["env", "-C", dir, process.execPath, cli, "--settings", settings, "-c", SHELL_LINE];
    return {
      version,
      run: async () => (await runProgram(argv, PRINTED)).totalMs,
      [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
    };
  },
};

/** The package as a library: the proxy is started once, each run wraps a command line and spawns it. */
export const sandboxRuntimeLibrary: Peer = {
  name: `${PACKAGE}, library`,
  note: `${NOTE}, started before`,
  async start() {
    const { version } = await findPackage();
    const { SandboxManager } = await import("@anthropic-ai/sandbox-runtime");
    const dir = await mkdtemp(join(tmpdir(), "sandglass-bench-srt-"));
    await SandboxManager.initialize(settingsOf(dir));
    return {
      version,
      async run() {
        const started = performance.now();
        const { argv } = await SandboxManager.wrapWithSandboxArgv(
          SHELL_LINE,
          undefined,
          undefined,
          undefined,
          dir,
        );
        await runProgram(argv, PRINTED);
        const ms = performance.now() - started;
        SandboxManager.cleanupAfterCommand();
        return ms;
      },
      async [Symbol.asyncDispose]() {
        await SandboxManager.reset();
        await rm(dir, { recursive: true, force: true });
      },
    };
  },
};

function settingsOf(dir: string) {
  return {
    network: { allowedDomains: [], deniedDomains: [] },
    filesystem: { denyRead: [], allowWrite: [dir], denyWrite: [] },
  };
}

/** @throws Error that says what is missing: the package, or a program that it needs */
async function findPackage(): Promise<{ version: string; cli: string }> {
  await versionOf("bwrap");
  await versionOf("rg");
  let root: URL;
  try {
    root = new URL("..", import.meta.resolve(PACKAGE));
  } catch (cause) {
    throw new Error(`${PACKAGE} is not installed`, { cause });
  }
  const manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as { version: string };
  return { version: manifest.version, cli: fileURLToPath(new URL("dist/cli.js", root)) };
}
