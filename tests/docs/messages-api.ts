import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** As Anthropic's API: asks for code once, then answers. */
export interface MessagesApi {
  url: string;
  close(): void;
}

export async function startMessagesApi(): Promise<MessagesApi> {
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume();
    const isFirst = asked++ === 0;
    const input = { code: "print(sum(range(101)))" };
    const content = isFirst
      ? [{ type: "tool_use", id: "toolu_1", name: "run_code", input }]
      : [{ type: "text", text: "They add up to 5050." }];
    const stop = { stop_reason: isFirst ? "tool_use" : "end_turn", stop_sequence: null };
    const usage = { input_tokens: 1, output_tokens: 1 };
    const message = { id: "msg_1", type: "message", role: "assistant", model: "m", content, ...stop, usage };
    response.setHeader("content-type", "application/json").end(JSON.stringify(message));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => void server.close().closeAllConnections(),
  };
}
