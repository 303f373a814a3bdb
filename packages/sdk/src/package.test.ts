import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { answerJson, beginStream, countingLines, ScriptedServer, sandboxInfo } from "./scripted-server.ts";

const run = promisify(execFile);
const packageRoot = join(import.meta.dirname, "..");
const workspace = join(packageRoot, "../..");
const MANIFEST = '{"name":"empty","private":true,"type":"module"}';
let folder: string;
let tarball: string;

// What a user has: an empty folder, the tarball, npm and its registry.
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandglass-package-"));
  await run("node", ["scripts/build.ts"], { cwd: packageRoot });
  await run("npm", ["pack", "./dist", "--pack-destination", folder], { cwd: packageRoot });
  const [packed = ""] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  tarball = join(folder, packed);
  await writeFile(join(folder, "package.json"), MANIFEST);
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", tarball], {
    cwd: folder,
  });
});
after(() => rm(folder, { recursive: true, force: true }));

test("the tarball holds one module, its types, licence and README, and depends on nothing but OpenTelemetry's API", async () => {
  const installed = join(folder, "node_modules", "sandglass");
  assert.deepEqual((await readdir(installed)).sort(), [
    "LICENSE",
    "README.md",
    "index.d.ts",
    "index.js",
    "index.js.map",
    "package.json",
  ]);
  const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8")) as Record<
    string,
    unknown
  >;
  assert.deepEqual(Object.keys(manifest.dependencies as object), ["@opentelemetry/api"]);
  assert.equal(manifest.private, undefined);
  const text = await readFile(join(installed, "index.js"), "utf8");
  assert.ok(
    !/from "zod|from "@sandglass\//.test(text),
    "the protocol is inlined and the schema library left out",
  );
});

test("a script in an empty folder imports the package and runs code", async () => {
  await using server = await ScriptedServer.start((request, response) => {
    if (request.url === "/v1/sandboxes") return answerJson(response, sandboxInfo(), 201);
    if (request.method === "DELETE") return void response.writeHead(204).end();
    beginStream(response);
    response.end(countingLines(2).join(""));
  });
  const script = `
    import { Sandbox } from "sandglass";
    const sandbox = await Sandbox.create({ template: "python" });
    const { stdout, cause } = await sandbox.runCode("count");
    await sandbox.close();
    console.log(JSON.stringify({ stdout, cause }));`;
  await writeFile(join(folder, "script.js"), script);
  const env = { ...process.env, SANDGLASS_URL: server.url, SANDGLASS_API_KEY: "sgk_1" };
  const { stdout } = await run("node", ["script.js"], { cwd: folder, env });
  assert.deepEqual(JSON.parse(stdout), { stdout: "0\n1\n", cause: "exited" });
});

const ENABLED_BY_OPTION = `
  import { Client } from "sandglass";
  const client = new Client({ sdkOtelEnabled: true });
  await client.createSandbox().catch(({ code, hint }) => console.log(JSON.stringify({ code, hint })));
  await client.close();`;

/** The two major lines of OpenTelemetry's packages: API, SDK, exporters. */
const LINES = {
  "2, as it began": ["1.9.0", "sdk-trace-base@2.0.1", "sdk-metrics@2.0.1", "resources@2.0.1", "0.201.1"],
  "2, as it is now": ["1.9.1", "sdk-trace@^2.12", "sdk-metrics@^2.12", "resources@^2.12", "^0.223.0"],
  "3": ["1.10.0", "sdk-trace@^3.1", "sdk-metrics@^3.1", "resources@^3.1", "^0.301.0"],
} as const;

test("without OpenTelemetry's SDK an explicit wish for it names what to install, and the environment's is one warning", async () => {
  await using server = await ScriptedServer.start((_, response) => answerJson(response, sandboxInfo(), 201));
  const env = { ...process.env, SANDGLASS_URL: server.url, SANDGLASS_API_KEY: "sgk_1" };
  await writeFile(join(folder, "enabled.js"), ENABLED_BY_OPTION);
  const { stdout } = await run("node", ["enabled.js"], { cwd: folder, env });
  const { code, hint } = JSON.parse(stdout) as { code: string; hint: string };
  assert.equal(code, "INVALID_REQUEST");
  const names = [
    "exporter-metrics-otlp-proto",
    "exporter-trace-otlp-proto",
    "resources",
    "sdk-metrics",
    "sdk-trace",
  ];
  assert.equal(hint, `npm install ${names.map((name) => `@opentelemetry/${name}`).join(" ")}`);
  assert.equal(server.requests.length, 0);

  const script =
    'import { Client } from "sandglass"; for (const id of "12") await new Client().sandboxes.get(id);';
  await writeFile(join(folder, "asked.js"), script);
  const asked = { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };
  const { stderr } = await run("node", ["asked.js"], { cwd: folder, env: asked });
  assert.equal(stderr.split("SandglassWarning").length, 2, stderr);
  assert.match(stderr, /npm install @opentelemetry/);
  assert.equal(server.requests.length, 2);
});

for (const [line, [api, traces, metrics, resources, exporters]] of Object.entries(LINES)) {
  test(`the private provider works with OpenTelemetry ${line}`, async () => {
    const names = [`api@${api}`, traces, metrics, resources, `exporter-trace-otlp-proto@${exporters}`];
    const wanted = [...names, `exporter-metrics-otlp-proto@${exporters}`].map(
      (name) => `@opentelemetry/${name}`,
    );
    const own = await mkdtemp(join(tmpdir(), "sandglass-otel-"));
    try {
      await writeFile(join(own, "package.json"), MANIFEST);
      await writeFile(join(own, "enabled.js"), ENABLED_BY_OPTION);
      const flags = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];
      await run("npm", ["install", ...flags, tarball, ...wanted], { cwd: own });
      await using collector = await ScriptedServer.start((_, response) => void response.writeHead(200).end());
      await using server = await ScriptedServer.start((_, response) =>
        answerJson(response, sandboxInfo(), 201),
      );
      const addresses = { SANDGLASS_URL: server.url, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
      const env = { ...process.env, SANDGLASS_API_KEY: "sgk_1", ...addresses };
      const { stdout, stderr } = await run("node", ["enabled.js"], { cwd: own, env });
      assert.deepEqual([stdout, stderr], ["", ""]);
      const [, traceId = "-", spanId = "-"] = String(server.requests[0]?.headers.traceparent).split("-");
      const sent = new Map(collector.requests.map(({ url, body }) => [url, body]));
      assert.deepEqual([...sent.keys()].toSorted(), ["/v1/metrics", "/v1/traces"]);
      assert.match(sent.get("/v1/traces") ?? "", /sandglass\.sandboxes\.create/);
      assert.match(sent.get("/v1/metrics") ?? "", /sandglass\.client\.operation\.duration/);
      assert.match(traceId + spanId, /^[0-9a-f]{48}$/);
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  });
}

test("a TypeScript program checks against the packed declarations, and its mistakes are found", async () => {
  const program = `
    import { Client, type ExecResult, Sandbox, SandglassError } from "sandglass";
    const client = new Client({ baseUrl: "http://127.0.0.1:1" });
    export async function main(): Promise<number> {
      await using sandbox = await Sandbox.create({ template: "python", memoryMb: 256, client });
      const result: ExecResult = await sandbox.runCode("1", { language: "python", onStdout: (text) => text.length });
      for await (const event of sandbox.runCodeStream("1")) if (event.type === "exit") return event.code;
      for await (const event of client.events({ types: ["exec.*"] })) {
        if (event.type === "exec.completed") return event.data.exitCode;
      }
      try {
        await sandbox.files.write("a", new Uint8Array(1));
      } catch (error) {
        if (error instanceof SandglassError && error.code === "DISK_FULL") return result.exitCode;
      }
      // @ts-expect-error a misspelled option
      await sandbox.runCode("1", { timeout: 5 });
      // @ts-expect-error no such cause
      return result.cause === "melted" ? 1 : 0;
    }`;
  await writeFile(join(folder, "program.ts"), program);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: "nodenext",
    target: "es2022",
    lib: ["es2022", "esnext.disposable"],
    skipLibCheck: false,
    types: ["node"],
    typeRoots: [join(workspace, "node_modules/@types")],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
  const tsc = join(workspace, "node_modules/typescript/bin/tsc");
  const { stdout } = await run("node", [tsc, "-p", folder]).catch((error: { stdout: string }) => error);
  assert.equal(stdout, "");
});
