import type { IncomingMessage } from "node:http";
import { NdjsonParser } from "./ndjson.ts";
import { drain } from "./transport/body.ts";

/**
 * The lines of an answer as they come. Whoever leaves before the end closes the connection.
 *
 * @typeParam T what the lines are trusted to be
 * @throws StreamError for a line that is not JSON; the connection's own error where it breaks
 */
export async function* linesOf<T>(response: IncomingMessage): AsyncGenerator<T, void, undefined> {
  const parser = new NdjsonParser<T>();
  try {
    for await (const chunk of response.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      yield* parser.push(chunk);
    }
    await drain(response);
  } finally {
    if (!response.readableEnded) response.destroy();
  }
}
