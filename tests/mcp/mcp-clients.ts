import { join } from "node:path";
import { type CallToolResult, Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { type StartDaemonOptions, startDaemon, type TestDaemon } from "@sandglass/testkit";

/** The command, as a user has it. */
export const CLI: string = join(import.meta.dirname, "../../packages/cli/src/main.ts");

/** A daemon as `sandglass serve` starts it: with `/mcp`. */
export function startServing(options: StartDaemonOptions = {}): Promise<TestDaemon> {
  return startDaemon({ ...options, program: [CLI, "serve"] });
}

/** An MCP client of the official SDK, connected. */
export interface Connected extends AsyncDisposable {
  client: Client;
  /** Calls a tool; `structured` is what the result says as data. */
  call(
    name: string,
    args?: Record<string, unknown>,
    meta?: Record<string, unknown>,
  ): Promise<CallToolResult & { structured: Record<string, unknown>; text: string }>;
}

/** Starts `sandglass mcp` and speaks with it over its stdin and stdout. */
export async function connectStdio(
  daemon: TestDaemon,
  options: { args?: readonly string[]; env?: Record<string, string>; apiKey?: string; name?: string } = {},
): Promise<Connected & { pid: number; stderr: () => string }> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: ["--disable-warning=ExperimentalWarning", CLI, "mcp", "--url", daemon.url, ...(options.args ?? [])],
    env: {
      PATH: process.env.PATH ?? "",
      HOME: process.env.HOME ?? "",
      SANDGLASS_API_KEY: options.apiKey ?? daemon.apiKey,
      ...options.env,
    },
    stderr: "pipe",
  });
  let said = "";
  transport.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const client = new Client({ name: options.name ?? "stdio-test", version: "1.2.3" });
  await client.connect(transport);
  return { ...connected(client), pid: transport.pid ?? 0, stderr: () => said };
}

/** Connects to `/mcp`. */
export async function connectHttp(
  daemon: Pick<TestDaemon, "url" | "apiKey">,
  options: { apiKey?: string; name?: string; headers?: Record<string, string> } = {},
): Promise<Connected & { transport: StreamableHTTPClientTransport }> {
  const authorization = `Bearer ${options.apiKey ?? daemon.apiKey}`;
  const transport = new StreamableHTTPClientTransport(new URL("/mcp", daemon.url), {
    requestInit: { headers: { authorization, ...options.headers } },
  });
  const client = new Client({ name: options.name ?? "http-test", version: "1.2.3" });
  await client.connect(transport);
  const base = connected(client);
  return {
    ...base,
    transport,
    async [Symbol.asyncDispose]() {
      await transport.terminateSession();
      await client.close();
    },
  };
}

function connected(client: Client): Connected {
  return {
    client,
    async call(name, args = {}, meta) {
      const result = await client.callTool({
        name,
        arguments: args,
        ...(meta !== undefined && { _meta: meta }),
      });
      const text = result.content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n");
      return { ...result, text, structured: (result.structuredContent ?? {}) as Record<string, unknown> };
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
