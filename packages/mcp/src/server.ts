import { McpServer, type ServerContext } from "@modelcontextprotocol/server";
import { identityOf, traceOf } from "./caller.ts";
import { ProgressStream, type SendProgress } from "./output/progress.ts";
import type { Session } from "./session.ts";
import { TOOLS } from "./tools.ts";
import { VERSION } from "./version.ts";

const INSTRUCTIONS =
  "Runs code and commands in an isolated Linux sandbox. Without `sandbox_id` every call of this session works in the same sandbox: files, " +
  "variables and installed programs stay from call to call, and all of it ends with the session. It has no network unless its owner allowed some. " +
  "To try several ways from the same state, fork it and name a fork as `sandbox_id`. " +
  "Everything is recorded: get_trace and get_events show what happened and why something ended.";

/** The protocol's end of one session: every tool, bound to it. */
export function buildServer(session: Session): McpServer {
  const server = new McpServer(
    { name: "sandglass", title: "Sandglass", version: VERSION },
    { instructions: INSTRUCTIONS, capabilities: { tools: {} } },
  );
  for (const tool of TOOLS) {
    const { name, title, description, input, output, annotations } = tool;
    const about = { title, description, inputSchema: input, outputSchema: output, annotations };
    server.registerTool(name, about, (args, context) => {
      const call = {
        tool: name,
        args,
        client: identityOf(context, server.server.getClientVersion()),
        trace: traceOf(context),
        signal: context.mcpReq.signal,
      };
      const progress = new ProgressStream(progressOf(context));
      return session.call(call, (place) => tool.run(args, { ...place, progress }));
    });
  }
  return server;
}

/** Where the client wants to hear of a call's progress; undefined where it did not say so. */
function progressOf({ mcpReq }: ServerContext): SendProgress | undefined {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  return (progress, message) =>
    mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, message } });
}
