export { McpEndpoint, type McpEndpointOptions } from "./http/mcp-endpoint.ts";
export type { OnProblem } from "./output/failure.ts";
export { type StdioOptions, serveStdio } from "./stdio.ts";
