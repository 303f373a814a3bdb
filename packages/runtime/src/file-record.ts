import { posix } from "node:path";
import type { FileInfo } from "@sandglass/protocol";
import { SandglassError } from "@sandglass/protocol";

/** Kind, size, mode, time of change, name, target of a link. */
export const RECORD_FIELDS = 6;

const TYPES: readonly string[] = ["file", "directory", "symlink", "other"] satisfies FileInfo["type"][];
/** What a JavaScript Date can hold; a file's time can be anything. */
const MAX_TIME_MS = 8.64e15;

/**
 * What a file operation says of one file (`native/files.c`), parsed as hostile: the operation is a process inside the sandbox, and
 * whatever else runs there may write to its output. A size or a type that is none would end in the head of an HTTP answer.
 *
 * @throws SandglassError FILE_ERROR where it is malformed
 */
export function fileInfoOf(fields: readonly string[], path: string): FileInfo {
  const [type = "", size = "", mode = "", modified = "", , target = ""] = fields;
  if (
    fields.length !== RECORD_FIELDS ||
    !TYPES.includes(type) ||
    !/^\d{1,15}$/.test(size) ||
    !/^[0-7]{1,4}$/.test(mode) ||
    !/^-?\d{1,20}\.\d{1,9}$/.test(modified)
  )
    throw malformedAnswer();
  const ms = Math.max(-MAX_TIME_MS, Math.min(MAX_TIME_MS, Number(modified) * 1000));
  return {
    name: path.slice(path.lastIndexOf("/") + 1) || "/",
    path,
    type: type as FileInfo["type"],
    sizeBytes: Number(size),
    mode: Number.parseInt(mode, 8),
    modifiedAt: new Date(ms).toISOString(),
    ...(type === "symlink" ? { target } : {}),
  };
}

/**
 * A directory's entries, by the same rules: a name with a slash is none, and would lead who downloads it somewhere else.
 *
 * @throws SandglassError FILE_ERROR where one is malformed
 */
export function fileListOf(fields: readonly string[], directory: string): FileInfo[] {
  if (fields.length % RECORD_FIELDS !== 0) throw malformedAnswer();
  const files: FileInfo[] = [];
  for (let at = 0; at < fields.length; at += RECORD_FIELDS) {
    const record = fields.slice(at, at + RECORD_FIELDS);
    const name = record[4] ?? "";
    if (["", ".", ".."].includes(name) || name.includes("/")) throw malformedAnswer();
    files.push(fileInfoOf(record, posix.join(directory, name)));
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function malformedAnswer(): SandglassError {
  return new SandglassError("FILE_ERROR", "the answer of the file operation is malformed", {
    hint: "something that runs in the sandbox interferes with it",
  });
}
