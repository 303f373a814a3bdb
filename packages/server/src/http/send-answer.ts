import type { ServerResponse } from "node:http";
import type { RouteDefinition } from "@sandglass/protocol";
import { writeBytes } from "./byte-stream.ts";
import { type ByteAnswer, type EmptyAnswer, JsonBytes, type LineAnswer } from "./call.ts";
import { writeLines } from "./line-stream.ts";
import { type RequestRecord, writeHead } from "./request-record.ts";

/** Says that the answer is that of an earlier request with the same idempotency key. */
const REPLAYED = { "idempotency-replayed": "true" };

const JSON_TYPE = "application/json; charset=utf-8";

/** How long a stream's head waits for its first lines. Below what anybody notices, above what a quick cell takes. */
const HEAD_DELAY_MS = 2;

/** Gives a handler's value the form its route has. Resolves when the answer is written or the client has gone. */
export async function sendAnswer(
  definition: RouteDefinition,
  answer: unknown,
  record: RequestRecord,
  response: ServerResponse,
  { isReplay = false, readerStallMs = 0 }: { isReplay?: boolean; readerStallMs?: number } = {},
): Promise<void> {
  if (response.destroyed) return forget(definition, answer);
  const replayed = isReplay ? REPLAYED : {};
  switch (definition.response) {
    case "json":
      return sendText(answer instanceof JsonBytes ? answer.bytes : JSON.stringify(answer), JSON_TYPE);
    case "text": {
      const { text, contentType } = answer as { text: string; contentType: string };
      return sendText(text, contentType);
    }
    case "ndjson":
      return sendLines(answer as LineAnswer);
    case "bytes": {
      const { headers, sizeBytes, content } = answer as ByteAnswer;
      const fixed = { "content-type": "application/octet-stream", "content-length": sizeBytes };
      writeHead(record, response, definition.status, { ...fixed, ...headers, ...replayed });
      return writeBytes(content, sizeBytes, response, readerStallMs);
    }
    default: {
      const { headers = {} } = (answer ?? {}) as EmptyAnswer;
      writeHead(record, response, definition.status, { ...headers, ...replayed });
      response.end();
    }
  }

  function sendText(text: string | Uint8Array, contentType: string): void {
    const length = Buffer.byteLength(text);
    writeHead(record, response, definition.status, {
      "content-type": contentType,
      "content-length": length,
      ...replayed,
    });
    response.end(text);
  }

  async function sendLines({ headers, lines }: LineAnswer): Promise<void> {
    const gone = new AbortController();
    // Behind a complete answer nothing listens any more, and an abort has its price.
    response.once("close", () => {
      if (!response.writableFinished) gone.abort();
    });
    // A proxy that buffers would hold back what is there to be seen at once.
    const fixed = { "content-type": "application/x-ndjson; charset=utf-8", "x-accel-buffering": "no" };
    writeHead(record, response, definition.status, { ...fixed, ...headers, ...replayed });
    // With the first lines where they come at once: a packet less, for both sides. The head alone else.
    const flush = setTimeout(() => response.flushHeaders(), HEAD_DELAY_MS);
    try {
      await writeLines(lines(gone.signal), response, readerStallMs);
    } finally {
      clearTimeout(flush);
    }
  }
}

/** For an answer that nobody waits for any more: what a file was opened with is given back by leaving its iteration. */
async function forget(definition: RouteDefinition, answer: unknown): Promise<void> {
  if (definition.response !== "bytes") return;
  for await (const _ of (answer as ByteAnswer).content) return;
}
