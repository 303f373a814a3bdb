import type { TestDaemon } from "@sandglass/testkit";
import type { Sandbox } from "sandglass";
import { type Connected, connectHttp, connectStdio } from "../mcp/mcp-clients.ts";
import type { PlantedSecrets } from "./planted-secrets.ts";

/**
 * Plants a secret in all that tools are called with over MCP: over stdio in a sandbox of the session's own, over HTTP in `sandbox`.
 *
 * @returns what the server over stdio wrote to stderr
 */
export async function plantInMcp(
  daemon: TestDaemon,
  sandbox: Sandbox,
  secrets: PlantedSecrets,
): Promise<string> {
  const stdio = await connectStdio(daemon, { args: ["--record", "metadata"] });
  await plant(stdio, {}, (place) => secrets.of(`${place} over stdio`));
  await stdio[Symbol.asyncDispose]();
  await using http = await connectHttp(daemon);
  await plant(http, { sandbox_id: sandbox.id }, (place) => secrets.of(`${place} over HTTP`));
  return stdio.stderr();
}

async function plant(mcp: Connected, place: object, of: (place: string) => string): Promise<void> {
  const calls: [tool: string, args: object][] = [
    ["run_code", { code: `print("${of("code")}"); "${of("result")}"` }],
    ["run_code", { code: `raise ValueError("${of("exception")}")` }],
    ["run_command", { command: `cat; echo ${of("command")} >&2`, stdin: of("stdin") }],
    ["run_command", { command: "pwd", cwd: `/${of("directory that is not there")}` }],
    ["run_command", { command: `sleep 60 # ${of("command that is killed")}`, timeout_ms: 200 }],
    ["write_file", { path: `${of("file name")}.txt`, content: of("file content") }],
    ["read_file", { path: `${of("file name")}.txt` }],
    ["read_file", { path: of("file that is not there") }],
    ["list_files", { path: of("directory that is not listed") }],
    ["run_code", { [of("argument that there is none of")]: of("its value") }],
    ["get_events", { types: [of("type of event")] }],
  ];
  for (const [tool, args] of calls) {
    // Some are refused before they are anything, which is an error of the protocol.
    await Promise.allSettled([mcp.call(tool, tool === "get_events" ? { ...args } : { ...args, ...place })]);
  }
}
