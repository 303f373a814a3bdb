import { SandglassError } from "sandglass";
import * as z from "zod";
import { textContent } from "../output/content.ts";
import { defineTool, place, sandboxId } from "./tool.ts";

const BASE64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;

/** `write_file`: replaces or makes a file, with its directories. */
export const writeFile = defineTool({
  name: "write_file",
  title: "Write a file",
  description:
    "Writes a file of the sandbox, and replaces what was there; directories on the way are made. Bytes that are no text are given as base64.",
  input: z.strictObject({
    path: z.string().min(1).describe("Relative paths begin in /workspace."),
    content: z.string().describe("The whole of it."),
    encoding: z.enum(["utf8", "base64"]).default("utf8").describe("How `content` is to be understood."),
    executable: z.boolean().default(false).describe("Makes it a program that can be run."),
    sandbox_id: sandboxId,
  }),
  output: z.object({ ...place, path: z.string(), size_bytes: z.int() }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  run: (args, call) => {
    const isBase64 = args.encoding === "base64";
    if (isBase64 && !BASE64.test(args.content)) {
      throw new SandglassError("INVALID_REQUEST", "content is not base64", {
        hint: 'leave encoding out for text: it is "utf8" then',
      });
    }
    const bytes = Buffer.from(args.content, isBase64 ? "base64" : "utf8");
    return call.sandboxes.use(call.run, args.sandbox_id, async ({ sandbox, isReplacement }) => {
      const { path, sizeBytes } = await sandbox.files.write(args.path, bytes, {
        signal: call.signal,
        ...(args.executable && { mode: 0o755 }),
      });
      return {
        content: [textContent(`[${sizeBytes} bytes written to ${path} of ${sandbox.id}]`)],
        structuredContent: {
          sandbox_id: sandbox.id,
          new_sandbox: isReplacement,
          path,
          size_bytes: sizeBytes,
        },
      };
    });
  },
});
