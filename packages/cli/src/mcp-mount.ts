import type { McpEndpoint } from "@sandglass/mcp";
import type { Mount } from "@sandglass/server";

/** MCP at `/mcp` of the daemon. What serves it is loaded with the first request: most daemons never get one. */
export function mcpMount(): Mount {
  return {
    path: "/mcp",
    // A session makes a sandbox and a run; what else its calls need is asked of the key call by call.
    scope: "sandboxes:write",
    open({ baseUrl, complain }) {
      let endpoint: Promise<McpEndpoint> | undefined;
      return {
        async serve(request, response, call) {
          endpoint ??= import("@sandglass/mcp").then(
            ({ McpEndpoint }) => new McpEndpoint({ baseUrl, onProblem: complain }),
          );
          await (await endpoint).serve(request, response, call);
        },
        async close() {
          await (await endpoint)?.close();
        },
      };
    },
  };
}
