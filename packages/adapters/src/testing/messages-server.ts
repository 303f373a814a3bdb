import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type Anthropic from "@anthropic-ai/sdk";

/** Answers `POST /v1/messages` as Anthropic's API does, with one scripted content after the other; keeps what it was asked. */
export class MessagesServer implements AsyncDisposable {
  readonly requests: Anthropic.MessageCreateParams[] = [];
  readonly url: string;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(
    contents: readonly (readonly { type: string; [field: string]: unknown }[])[],
  ): Promise<MessagesServer> {
    let made: MessagesServer | undefined;
    const server = createServer(async (request, response) => {
      const body = JSON.parse(await textOf(request)) as Anthropic.MessageCreateParams;
      const content = contents[made?.requests.push(body) === undefined ? 0 : made.requests.length - 1] ?? [];
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify({
          id: "msg_1",
          type: "message",
          role: "assistant",
          model: body.model,
          content,
          stop_reason: content.some(({ type }) => type === "tool_use") ? "tool_use" : "end_turn",
          stop_sequence: null,
          usage: { input_tokens: 1, output_tokens: 1 },
        }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    made = new MessagesServer(server);
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}
