import type { ServerResponse } from "node:http";

/** Blocks that are there at once are written together up to this size; larger writes gain nothing. */
const MAX_WRITE_CHARS = 64 * 1024;

/**
 * Writes NDJSON: at once where the source has to wait for more, together where several blocks are there already, and not
 * faster than the client reads. Ends the response behind the last block.
 *
 * A client that goes ends the source's iteration (its `return` is called) and resolves the promise.
 *
 * @param blocks one or more whole lines each, newlines included
 * @param readerStallMs a client that takes nothing for this long is cut off: it can pick the stream up again. 0 is never
 * @throws what the source throws; the response is not ended then
 */
export async function writeLines(
  blocks: AsyncIterable<string>,
  response: ServerResponse,
  readerStallMs = 0,
): Promise<void> {
  const source = blocks[Symbol.asyncIterator]();
  let pending = "";
  let flushing: NodeJS.Immediate | undefined;
  const flush = () => {
    flushing = undefined;
    if (pending === "" || response.destroyed) return;
    const text = pending;
    pending = "";
    response.write(text);
  };
  try {
    for (;;) {
      const step = await source.next();
      if (response.destroyed) return;
      if (step.done === true) break;
      pending += step.value;
      if (pending.length >= MAX_WRITE_CHARS) {
        if (flushing !== undefined) clearImmediate(flushing);
        flush();
      } else {
        // Runs once every block that is there already has been taken: those come without the event loop turning.
        flushing ??= setImmediate(flush);
      }
      if (response.writableNeedDrain) await untilDrained(response, readerStallMs);
    }
    if (flushing !== undefined) clearImmediate(flushing);
    flushing = undefined;
    response.end(pending);
    pending = "";
  } finally {
    if (flushing !== undefined) clearImmediate(flushing);
    await source.return?.();
  }
}

/** Resolves when there is room again, or nobody left to write for, which is so where `stallMs` (0: never) pass without room. */
export function untilDrained(response: ServerResponse, stallMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = stallMs > 0 ? setTimeout(() => response.destroy(), stallMs) : undefined;
    const done = () => {
      clearTimeout(timer);
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
    if (response.destroyed) done();
  });
}
