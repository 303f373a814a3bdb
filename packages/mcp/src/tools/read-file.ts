import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/server";
import type { Sandbox } from "sandglass";
import * as z from "zod";
import { imageType, MAX_IMAGE_BYTES, textContent } from "../output/content.ts";
import { defineTool, place, sandboxId } from "./tool.ts";

const DEFAULT_BYTES = 64 * 1024;
const MAX_BYTES = 1024 * 1024;

type Answer = CallToolResult & { structuredContent: z.output<typeof output> };

const output = z.object({
  ...place,
  path: z.string(),
  size_bytes: z.int().describe("Of the whole file."),
  offset: z.int(),
  bytes: z.int().describe("How much of it came back."),
  encoding: z.enum(["utf8", "base64"]),
  content: z.string().optional().describe("Absent for an image, which comes back as one."),
  mime_type: z.string().optional().describe("Of an image."),
  next_offset: z.int().optional().describe("Where to read on; absent at the end of the file."),
});

/** `read_file`: a part of a file as text, an image as an image, anything else as base64. */
export const readFile = defineTool({
  name: "read_file",
  title: "Read a file",
  description:
    "Reads a file of the sandbox: text as text, an image (PNG, JPEG, GIF, WebP up to 4 MiB) as an image, other bytes as base64. Of a large file it " +
    "returns a part; go on with `offset`.",
  input: z.strictObject({
    path: z.string().min(1).describe("Relative paths begin in /workspace."),
    offset: z.int().min(0).default(0).describe("Bytes to leave out at the beginning."),
    max_bytes: z
      .int()
      .min(1)
      .max(MAX_BYTES)
      .default(DEFAULT_BYTES)
      .describe("How much to return. An image is returned whole."),
    sandbox_id: sandboxId,
  }),
  output,
  annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  run: (args, call) =>
    call.sandboxes.use(call.run, args.sandbox_id, async ({ sandbox, isReplacement }): Promise<Answer> => {
      const { path, offset, max_bytes: maxBytes } = args;
      const { signal } = call;
      // Before its size is asked for: an answer to that says less of what is wrong.
      const start = await readPart(sandbox, path, { offset, maxBytes, signal });
      const { sizeBytes } = await sandbox.files.stat(path, { signal });
      const where = {
        sandbox_id: sandbox.id,
        new_sandbox: isReplacement,
        path,
        size_bytes: sizeBytes,
        offset,
      };
      const mimeType = offset === 0 ? imageType(start) : undefined;
      if (mimeType !== undefined && sizeBytes <= MAX_IMAGE_BYTES) {
        const image =
          start.length < sizeBytes
            ? await readPart(sandbox, path, { offset, maxBytes: MAX_IMAGE_BYTES, signal })
            : start;
        return {
          content: [{ type: "image", mimeType, data: image.toString("base64") }],
          structuredContent: { ...where, bytes: image.length, encoding: "base64", mime_type: mimeType },
        };
      }
      const text = textOf(start);
      const content = text?.content ?? start.toString("base64");
      const bytes = text?.bytes ?? start.length;
      const encoding = text === undefined ? "base64" : "utf8";
      const end = offset + bytes;
      const hasMore = end < sizeBytes && bytes > 0;
      const block: ContentBlock =
        text === undefined
          ? {
              type: "resource",
              resource: { uri: uriOf(sandbox.id, path), mimeType: "application/octet-stream", blob: content },
            }
          : textContent(content);
      const more = textContent(`[bytes ${offset} to ${end} of ${sizeBytes}: go on with offset ${end}]`);
      return {
        content: hasMore ? [block, more] : [block],
        structuredContent: { ...where, bytes, encoding, content, ...(hasMore && { next_offset: end }) },
      };
    }),
});

/** Reads no more than is wanted: the rest of the file is not sent on. */
async function readPart(
  sandbox: Sandbox,
  path: string,
  { offset, maxBytes, signal }: { offset: number; maxBytes: number; signal: AbortSignal },
): Promise<Buffer> {
  const parts: Buffer[] = [];
  let position = 0;
  const end = offset + maxBytes;
  for await (const chunk of (await sandbox.files.readStream(path, { signal })) as AsyncIterable<Buffer>) {
    const from = Math.max(0, offset - position);
    const to = Math.min(chunk.length, end - position);
    if (from < to) parts.push(chunk.subarray(from, to));
    position += chunk.length;
    if (position >= end) break;
  }
  return Buffer.concat(parts);
}

/** The bytes as text, without a character that is cut at the end; undefined where they are none. */
function textOf(bytes: Buffer): { content: string; bytes: number } | undefined {
  if (bytes.includes(0)) return undefined;
  for (let cut = 0; cut < Math.min(4, bytes.length + 1); cut += 1) {
    const whole = bytes.subarray(0, bytes.length - cut);
    try {
      return {
        content: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(whole),
        bytes: whole.length,
      };
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
  return undefined;
}

function uriOf(sandbox: string, path: string): string {
  const absolute = path.startsWith("/") ? path : `/workspace/${path}`;
  return `sandglass://${sandbox}${absolute.split("/").map(encodeURIComponent).join("/")}`;
}
