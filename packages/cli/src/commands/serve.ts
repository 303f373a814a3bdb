import { Command } from "commander";
import { mcpMount } from "../mcp-mount.ts";

/** `sandglass serve`: the daemon in the foreground. Its flags are the daemon's own, `--help` included. */
export function serveCommand(onServing: () => void): Command {
  return new Command("serve")
    .summary("run the daemon")
    .usage("[options]")
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .passThroughOptions()
    .argument("[options...]")
    .action(async (flags: string[]) => {
      onServing();
      // Fastify, the log and the runtime: too much to load for commands that only talk to a daemon.
      const { serve } = await import("@sandglass/server");
      await serve(flags, [mcpMount()]);
    });
}
