import * as z from "zod";
import { path } from "./fields.ts";
import { octalMode, queryBoolean } from "./query-fields.ts";
import { strictObject } from "./strict-object.ts";

export const FileInfo = z.object({
  name: z.string(),
  path: z.string(),
  type: z.enum(["file", "directory", "symlink", "other"]),
  sizeBytes: z.int(),
  mode: z.int(),
  modifiedAt: z.string(),
  target: z.string().optional(),
});

export const FileList = z.object({ items: z.array(FileInfo) });

export const MakeDirectoryRequest = strictObject({ path });
export const MoveFileRequest = strictObject({ from: path, to: path });

export const ListFilesQuery = strictObject({ path: path.default("/workspace") });
export type ListFilesQuery = z.output<typeof ListFilesQuery>;

/** `mode` comes in octal and is a number here. */
export const WriteFileQuery = strictObject({ mode: octalMode.optional() });
export type WriteFileQuery = z.output<typeof WriteFileQuery>;

export const DeleteFileQuery = strictObject({ recursive: queryBoolean.default(false) });
export type DeleteFileQuery = z.output<typeof DeleteFileQuery>;
