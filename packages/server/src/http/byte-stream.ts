import type { ServerResponse } from "node:http";
import { SandglassError } from "@sandglass/protocol";
import { untilDrained } from "./line-stream.ts";

/**
 * Writes exactly `length` bytes of `content`, not faster than the client reads. A file that shrank meanwhile is an
 * error, so that what arrived cannot pass for the whole; of one that grew, the rest is left. A client that takes nothing for `readerStallMs` is cut off; 0 is never.
 *
 * @throws SandglassError FILE_ERROR, and what the source throws; the response is not ended then
 */
export async function writeBytes(
  content: AsyncIterable<Uint8Array>,
  length: number,
  response: ServerResponse,
  readerStallMs = 0,
): Promise<void> {
  let left = length;
  for await (const chunk of content) {
    if (response.destroyed) return;
    const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= part.length;
    if (!response.write(part)) await untilDrained(response, readerStallMs);
    if (left === 0) break;
  }
  if (left > 0) throw new SandglassError("FILE_ERROR", "the file became shorter while it was read");
  response.end();
}
