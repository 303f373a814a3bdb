/** What a request meets before a session has it: as an error of JSON-RPC, which is what clients of MCP read. */
export function jsonRpcError(
  status: number,
  message: string,
  headers: Record<string, string> = {},
): Response {
  // -32000 is the first of those that a server defines itself; a request without a readable id has none.
  const body = { jsonrpc: "2.0", error: { code: -32_000, message }, id: null };
  return Response.json(body, { status, headers });
}
