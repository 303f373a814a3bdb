import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { startDaemon } from "@sandglass/testkit";

const run = promisify(execFile);
const packageRoot = join(import.meta.dirname, "..");
const workspace = join(packageRoot, "../..");
const FRAMEWORKS = ["ai", "@openai/agents-core", "@anthropic-ai/sdk", "@langchain/core"];
let folder: string;

// What a user has: a folder with the tarball's contents below node_modules, and beside it what the program brings itself.
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandglass-adapters-"));
  const modules = join(folder, "node_modules");
  await run("node", ["scripts/build.ts"], { cwd: packageRoot });
  await run("npm", ["pack", "./dist", "--pack-destination", folder], { cwd: packageRoot });
  const [tarball = ""] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  const installed = join(modules, "@sandglass/adapters");
  await mkdir(installed, { recursive: true });
  await run("tar", ["-xzf", join(folder, tarball), "-C", installed, "--strip-components=1"]);
  await writeFile(join(folder, "package.json"), '{"name":"empty","private":true,"type":"module"}');
  for (const name of [...FRAMEWORKS, "@opentelemetry/api", "sandglass"]) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(workspace, "node_modules", name), join(modules, name));
  }
});
after(() => rm(folder, { recursive: true, force: true }));

test("the tarball holds a module for each framework with its types, licence and README, and inlines nothing", async () => {
  const installed = join(folder, "node_modules/@sandglass/adapters");
  const files = (await readdir(installed)).filter((name) => !/-[\w-]{8}\.(d\.ts|js)$/.test(name));
  const names = ["anthropic", "langchain", "openai-agents", "vercel-ai"];
  assert.deepEqual(
    files.toSorted(),
    [
      "LICENSE",
      "README.md",
      "package.json",
      ...names.flatMap((name) => [`${name}.d.ts`, `${name}.js`]),
    ].toSorted(),
  );
  const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8")) as {
    private?: boolean;
    dependencies: object;
    peerDependenciesMeta: Record<string, { optional: boolean }>;
  };
  assert.equal(manifest.private, undefined);
  assert.deepEqual(Object.keys(manifest.dependencies), ["@opentelemetry/api", "sandglass"]);
  for (const name of FRAMEWORKS) assert.equal(manifest.peerDependenciesMeta[name]?.optional, true, name);
});

test("a script in an empty folder imports each adapter, and runs code in a sandbox by one", async () => {
  await using daemon = await startDaemon();
  const script = `
    import { sandboxTool } from "@sandglass/adapters/vercel-ai";
    import { sandboxTool as ofAgents } from "@sandglass/adapters/openai-agents";
    import { sandboxTool as ofAnthropic } from "@sandglass/adapters/anthropic";
    import { sandboxTool as ofLangChain } from "@sandglass/adapters/langchain";
    await using code = sandboxTool({ language: "bash" });
    const { text } = await code.tool.execute({ code: "echo $((6 * 7))" }, { toolCallId: "1", messages: [] });
    const names = [ofAgents, ofAnthropic, ofLangChain].map((make) => make().tool.name);
    console.log(JSON.stringify([text, names]));`;
  await writeFile(join(folder, "script.js"), script);
  const env = { ...process.env, SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey };
  const { stdout } = await run("node", ["--disable-warning=ExperimentalWarning", "script.js"], {
    cwd: folder,
    env,
  });
  assert.deepEqual(JSON.parse(stdout), ["42", ["run_code", "run_code", "run_code"]]);
});

test("a TypeScript program checks against the packed declarations, and its mistakes are found", async () => {
  const program = `
    import { sandboxTool } from "@sandglass/adapters/vercel-ai";
    import { sandboxTool as ofAnthropic } from "@sandglass/adapters/anthropic";
    export async function main(): Promise<number> {
      await using code = sandboxTool({ language: "python", timeoutMs: 1000 });
      const blocks = await ofAnthropic().results({ content: [] });
      // @ts-expect-error a misspelled option
      sandboxTool({ timeout: 5 });
      // @ts-expect-error a result has no such field
      if (blocks[0]?.tool_name) return 1;
      return code.tool.inputSchema === undefined ? 1 : blocks.length;
    }`;
  await writeFile(join(folder, "program.ts"), program);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    module: "nodenext",
    target: "es2022",
    lib: ["es2023", "esnext.disposable", "dom"],
    skipLibCheck: true,
    types: ["node"],
    typeRoots: [join(workspace, "node_modules/@types")],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
  const tsc = join(workspace, "node_modules/typescript/bin/tsc");
  const { stdout } = await run("node", [tsc, "-p", folder]).catch((error: { stdout: string }) => error);
  assert.equal(stdout, "");
});
