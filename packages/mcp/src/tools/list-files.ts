import * as z from "zod";
import { textContent } from "../output/content.ts";
import { defineTool, place, sandboxId } from "./tool.ts";

/** More than a model makes sense of. */
const MAX_ENTRIES = 1000;

const entry = z.object({
  name: z.string(),
  path: z.string(),
  type: z.string().describe("file, directory, symlink or other."),
  size_bytes: z.int(),
  modified_at: z.string(),
});

/** `list_files`: what is in a directory. */
export const listFiles = defineTool({
  name: "list_files",
  title: "List files",
  description: `Lists a directory of the sandbox, sorted by name; at most ${MAX_ENTRIES} entries.`,
  input: z.strictObject({
    path: z.string().min(1).default(".").describe("Relative paths begin in /workspace."),
    sandbox_id: sandboxId,
  }),
  output: z.object({
    ...place,
    path: z.string(),
    entries: z.array(entry),
    total: z.int().describe("All there are."),
  }),
  annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  run: (args, call) =>
    call.sandboxes.use(call.run, args.sandbox_id, async ({ sandbox, isReplacement }) => {
      const all = await sandbox.files.list(args.path, { signal: call.signal });
      const entries = all.slice(0, MAX_ENTRIES).map(({ name, path, type, sizeBytes, modifiedAt }) => ({
        name,
        path,
        type,
        size_bytes: sizeBytes,
        modified_at: modifiedAt,
      }));
      const lines = entries.map(({ name, type, size_bytes: size }) =>
        type === "directory" ? `${name}/` : `${name}  ${size} bytes${type === "file" ? "" : `, ${type}`}`,
      );
      if (all.length > entries.length) lines.push(`[${all.length - entries.length} more are left out]`);
      return {
        content: [textContent(lines.length === 0 ? `[${args.path} is empty]` : lines.join("\n"))],
        structuredContent: {
          sandbox_id: sandbox.id,
          new_sandbox: isReplacement,
          path: args.path,
          entries,
          total: all.length,
        },
      };
    }),
});
