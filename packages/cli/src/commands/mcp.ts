import { Command } from "commander";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { printable } from "../print/printable.ts";
import { requestOf, type SandboxOptions, withSandboxOptions } from "../sandbox-options.ts";
import type { Terminal } from "../terminal.ts";

/** `sandglass mcp`: an MCP server over stdin and stdout. Ends in order with its client or a signal, and its sandbox with it. */
export function mcpCommand(terminal: Terminal): Command {
  return withConnection(
    withSandboxOptions(new Command("mcp").summary("serve sandboxes to an MCP client over stdio")),
  )
    .description(
      "Serve MCP over stdin and stdout, for clients that start their servers themselves. Its session has a sandbox of its own, made as the options " +
        "say by the first call that needs one, and ended with the session. The daemon serves the same at /mcp over HTTP.",
    )
    .option("--capture-content", "record arguments and results of calls, not only their names and times")
    .addHelpText(
      "after",
      `
Examples:
  sandglass mcp
  sandglass mcp --template node --memory 1g --idle-timeout 1h
  claude mcp add sandglass -- sandglass mcp`,
    )
    .action(async (options: ConnectionOptions & SandboxOptions & { captureContent?: boolean }) => {
      const { serveStdio } = await import("@sandglass/mcp");
      await serveStdio({
        client: clientOf(options),
        sandbox: requestOf(options),
        captureContent: options.captureContent,
        stdin: terminal.stdin,
        stdout: terminal.stdout,
        signal: terminal.interruption,
        onProblem: (message, error) => {
          const said = error instanceof Error ? error.message : String(error);
          void terminal.note(`sandglass mcp: ${message}: ${printable(said)}`);
        },
      });
    });
}
