import type { IncomingMessage } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";

/** How long a finished stream's last bytes may take before its connection is given up rather than reused. */
const DRAIN_MS = 1_000;

/** The body, at most about `maxBytes` of it: the connection of a longer one is closed. */
export async function readBody(response: IncomingMessage, maxBytes: number = Infinity): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) break;
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

/**
 * Lets go of a body whose content is known to be over. What is left (the end marker, usually in the same packet) is read
 * in the background, so that the connection can be reused; one that does not end is closed.
 */
export async function drain(response: IncomingMessage): Promise<void> {
  if (response.destroyed) return;
  const timer = setTimeout(() => response.destroy(), DRAIN_MS);
  timer.unref();
  response.once("close", () => clearTimeout(timer));
  const ended = new Promise<void>((resolve) => void response.once("end", resolve));
  response.resume();
  // One turn of the event loop is enough for an end that is already here: the caller's next call then finds this
  // connection free instead of opening another. An end that is still on its way is not waited for.
  await Promise.race([ended, nextTurn()]);
}
