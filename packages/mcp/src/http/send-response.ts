import { once } from "node:events";
import type { ServerResponse } from "node:http";

/** Sends what the protocol's library answers, as fast as it is taken. A stream that nobody takes any more is cancelled. */
export async function sendResponse(answer: Response, response: ServerResponse): Promise<void> {
  const headers: Record<string, string> = {};
  for (const [name, value] of answer.headers) headers[name] = value;
  response.writeHead(answer.status, headers);
  if (answer.body === null) {
    response.end();
    return;
  }
  // The head of a stream goes out before its first event, which may be long in coming.
  response.flushHeaders();
  const reader = answer.body.getReader();
  const onClose = (): void => void reader.cancel().catch(() => undefined);
  response.once("close", onClose);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || response.destroyed) break;
      if (!response.write(value) && !response.destroyed) await drained(response);
    }
  } finally {
    response.off("close", onClose);
    response.end();
  }
}

async function drained(response: ServerResponse): Promise<void> {
  const done = new AbortController();
  const ways = [
    once(response, "drain", { signal: done.signal }),
    once(response, "close", { signal: done.signal }),
  ];
  for (const way of ways) way.catch(() => undefined);
  await Promise.race(ways).finally(() => done.abort());
}
