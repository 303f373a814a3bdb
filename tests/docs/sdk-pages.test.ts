/** Every example in TypeScript of the pages about the client, the adapters and agent CLIs, run as it stands, and the settings of MCP clients. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import {
  Client as McpClient,
  StreamableHTTPClientTransport,
  type Transport,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { type TestDaemon, until } from "@sandglass/testkit";
import { Client } from "sandglass";
import { CLAUDE } from "../mcp/claude-telemetry.ts";
import { startServing } from "../mcp/mcp-clients.ts";
import { startMessagesApi } from "./messages-api.ts";
import { asFunction, blocksOf, DONE, ROOT } from "./page-blocks.ts";

const run = promisify(execFile);
/** A CLI that reports nothing unless it is told to, as Claude Code. */
const IS_TOLD = `
import os, sys
told = {"CLAUDE_CODE_ENABLE_TELEMETRY": "1", "OTEL_LOGS_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
if any(os.environ.get(name) != value for name, value in told.items()) or sys.argv[1] != "-p": sys.exit("not told to report")
`;
const MODELS = join(import.meta.dirname, "scripted-models.ts");

let folder: string;
let daemon: TestDaemon;
let client: Client;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandglass-pages-"));
  await writeFile(join(folder, "claude"), `#!/usr/bin/python3\n${IS_TOLD}${CLAUDE}`);
  await chmod(folder, 0o755);
  await chmod(join(folder, "claude"), 0o755);
  const agents = {
    base: "python",
    mounts: [{ source: folder, target: "/opt/agents" }],
    env: { PATH: "/opt/agents:/usr/bin:/bin" },
  };
  const config = join(folder, "sandglass.config.json");
  await writeFile(config, JSON.stringify({ templates: { agents } }));
  daemon = await startServing({ args: ["--config", config] });
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
});
after(async () => {
  await client.close();
  await daemon.stop();
  await rm(folder, { recursive: true });
});

/** Runs examples in one process, as a module of the checkout's root. */
async function runExamples(examples: readonly string[], more: Record<string, string> = {}): Promise<string> {
  const env = { ...process.env, SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey, ...more };
  const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript"];
  const { stdout, stderr } = await run("node", [...flags, "-e", examples.join("\n")], { cwd: ROOT, env });
  assert.equal(stderr, "");
  return stdout;
}

test("the client's README has code that runs, and prints what stands beside it", async () => {
  const page = "packages/sdk/README.md";
  const [first = "", output = "", agent = "", ...others] = blocksOf(page, "ts");
  assert.deepEqual(others, []);
  const makefile = `await sandbox.files.write("src/Makefile", "all:\\n\\t@echo made\\n");`;
  const asked = `const client = new (await import("sandglass")).Client(), code = "print(1)";`;
  const stdout = await runExamples([
    asFunction(page, [first, makefile, output, "console.log(build.stdout);"].join("\n")),
    asFunction(page, agent, { before: asked, after: "console.log(answer); await client.close();" }),
  ]);
  const done = `${DONE}${page}\n`;
  assert.equal(stdout, `6 0 exited\n0\n1\n2\n0 exited\nmade\n\n${done}1\n\n${done}`);
  const beside = /\/\/ (.+)$/m.exec(first)?.[1];
  assert.equal(beside, "6 0 exited");
  const [last] = (await client.runs.list({ limit: 1 })).items;
  assert.deepEqual([last?.name, last?.toolCalls, last?.costUsd], ["analyst", 1, 0.008]);
});

test("the page about forks has code that runs, and the best of three ways is kept", async () => {
  const page = "docs/forks.md";
  const [example = "", ...others] = blocksOf(page, "ts");
  assert.deepEqual(others, []);
  const stdout = await runExamples([asFunction(page, example)]);
  const kept = "def solve(n):\n    return n * (n - 1) // 2\n";
  assert.equal(stdout, `[ '/workspace/solve.py' ]\n${kept}\n${DONE}${page}\n`);
});

test("the pages about adapters have code that has a sandbox answer the model", async () => {
  const own = { langchain: MODELS, "@openai/agents": "@openai/agents-core" };
  const one = (name: string): string => {
    const [block = "", ...others] = blocksOf(`docs/adapters/${name}.md`, "ts");
    assert.deepEqual(others, []);
    return block;
  };
  const models = `const models = await import("${MODELS}");`;
  const asking = `const [question, model, max_tokens] = ["add", "m", 100];`;
  const said = `console.log(JSON.stringify(messages.at(-2)), messages.at(-1).content[0].text);`;
  const tool = `
    const { sandboxTool } = await import("@sandglass/adapters/vercel-ai");
    const { Client } = await import("sandglass");`;
  const examples = [
    asFunction("vercel-ai", one("vercel-ai"), {
      before: `${models} const model = models.vercelModel();`,
      after: "console.log(text);",
    }),
    asFunction(
      "openai-agents",
      one("openai-agents"),
      { before: `${models} models.setOpenaiModel();`, after: "console.log(result.finalOutput);" },
      own,
    ),
    asFunction(
      "langchain",
      one("langchain"),
      { before: `${models} const model = models.langchainModel();` },
      own,
    ),
    asFunction("anthropic", one("anthropic"), { before: asking, after: said }),
    asFunction("README", one("README"), { before: tool }),
  ];
  const api = await startMessagesApi();
  try {
    const stdout = await runExamples(examples, { ANTHROPIC_BASE_URL: api.url, ANTHROPIC_API_KEY: "none" });
    const answer = "They add up to 5050.";
    assert.equal(
      stdout.replace(/^\{"role":"user".+"content":"(\d+)".+\} /m, "$1 "),
      [
        `${answer}\n${DONE}vercel-ai`,
        `${answer}\n${DONE}openai-agents`,
        `the sandbox said 5050\n${answer}\n${DONE}langchain`,
        `5050 ${answer}\n${DONE}anthropic`,
        `${DONE}README\n`,
      ].join("\n"),
    );
  } finally {
    api.close();
  }
  const { items } = await client.runs.list({ limit: 5 });
  assert.deepEqual(
    items.map(({ name, toolCalls }) => [name, toolCalls]),
    [
      ["quarterly report", 0],
      ["anthropic", 1],
      ["langchain", 1],
      ["openai-agents", 1],
      ["vercel-ai", 1],
    ],
  );
  assert.deepEqual((await client.sandboxes.list()).items, []);
});

test("the page about agent CLIs has settings that bring what a CLI does and costs into the record", async () => {
  const page = "docs/agent-clis.md";
  const [block = "", ...others] = blocksOf(page, "ts");
  assert.deepEqual(others, []);
  const before = `const { Sandbox } = await import("sandglass");`;
  const stdout = await runExamples([asFunction(page, block, { before, after: "console.log(sandbox.id);" })]);
  const [sandboxId = ""] = stdout.split("\n");
  const [command = "", ...more] = blocksOf(page, "sh");
  assert.deepEqual(more, []);
  const args = command.replace("sbx_…", sandboxId).replaceAll("'", "").trim().split(" ").slice(1);
  const env = { ...process.env, SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey };
  const lines = await until("everything that it said is recorded", async () => {
    const all = [...args, "--since-start", "--no-follow", "--json"];
    const told = await run(join(ROOT, "bin/sandglass"), all, { env });
    const found = told.stdout.split("\n").filter((line) => line !== "");
    return found.length >= 4 && found;
  });
  const types = lines.map((line) => (JSON.parse(line) as { type: string }).type);
  assert.deepEqual(types.toSorted(), ["agent.error", "agent.tool_call", "agent.tool_result", "cost.llm"]);
});

/** Connects, compares the tools with those of the page, and runs a cell. */
async function useTools(transport: Transport, documented: readonly string[]): Promise<void> {
  const mcp = new McpClient({ name: "pages", version: "1" });
  await mcp.connect(transport);
  const { tools } = await mcp.listTools();
  assert.deepEqual(tools.map(({ name }) => name).toSorted(), documented.toSorted());
  const { content } = await mcp.callTool({ name: "run_code", arguments: { code: "print(6 * 7)" } });
  assert.match(JSON.stringify(content), /42/);
  await mcp.close();
}

test("the page about MCP has settings that a client connects with, both ways, and lists the tools that it finds", async () => {
  const page = "docs/mcp.md";
  const [added = "", overHttp = ""] = blocksOf(page, "sh");
  const rows = readFileSync(join(ROOT, page), "utf8").matchAll(/^\| `([a-z_]+)` \|/gm);
  const table = [...rows].map(([, tool = ""]) => tool);
  const [json = ""] = blocksOf(page, "json");
  const { command, args } = (
    JSON.parse(json) as { mcpServers: { sandglass: { command: string; args: string[] } } }
  ).mcpServers.sandglass;
  assert.equal(added.trim(), `claude mcp add sandglass -- ${command} ${args[0]}`);
  const env = {
    PATH: `${join(ROOT, "bin")}:${process.env.PATH}`,
    HOME: process.env.HOME ?? "",
    SANDGLASS_URL: daemon.url,
    SANDGLASS_API_KEY: daemon.apiKey,
  };
  await useTools(new StdioClientTransport({ command, args, env, stderr: "ignore" }), table);

  const [, address = "", name = "", value = ""] = /(http:\S+) --header "(\w+): (.+)"/.exec(overHttp) ?? [];
  const headers = { [name]: value.replace("$SANDGLASS_API_KEY", daemon.apiKey) };
  const url = new URL(new URL(address).pathname, daemon.url);
  const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers } });
  await useTools(transport, table);
});
