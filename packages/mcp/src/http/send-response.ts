import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { UnreadAnswers } from "./unread-answers.ts";

/** What is written at once: a reader that takes a large message slowly is seen to take it. */
const MAX_WRITE_BYTES = 64 * 1024;

/**
 * Sends what the protocol's library answers, as fast as it is taken. A stream that nobody takes any more is cancelled: the library goes
 * on writing to it otherwise, without a limit.
 *
 * @param unread counts what waits to be taken, and may cut it
 */
export async function sendResponse(
  answer: Response,
  response: ServerResponse,
  unread: UnreadAnswers,
): Promise<void> {
  const reader = answer.body?.getReader();
  const cancel = (): void => void reader?.cancel().catch(() => undefined);
  // Gone before it was answered: nobody would be told of that any more.
  if (response.destroyed) return cancel();
  response.once("close", cancel);
  const headers: Record<string, string> = {};
  for (const [name, value] of answer.headers) headers[name] = value;
  response.writeHead(answer.status, headers);
  if (reader === undefined) {
    response.end();
    return;
  }
  // The head of a stream goes out before its first event, which may be long in coming.
  response.flushHeaders();
  const cut = (): void => void response.destroy();
  const waiting: Uint8Array[] = [];
  let isWriting = false;
  let writing: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    isWriting = true;
    for (let next = waiting.shift(); next !== undefined && !response.destroyed; next = waiting.shift()) {
      for (let at = 0; at < next.length && !response.destroyed; at += MAX_WRITE_BYTES) {
        const piece = next.subarray(at, at + MAX_WRITE_BYTES);
        if (!response.write(piece) && !response.destroyed) await drained(response);
        unread.take(cut, piece.length);
      }
    }
    isWriting = false;
  };
  try {
    // Read on while it is written: what waits is counted here, and nowhere else.
    for (;;) {
      const { done, value } = await reader.read();
      if (done || response.destroyed) break;
      unread.add(cut, value.length);
      waiting.push(value);
      if (!isWriting) writing = write();
    }
    await writing;
  } finally {
    unread.forget(cut);
    response.off("close", cancel);
    cancel();
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
