import assert from "node:assert/strict";
import { posix } from "node:path";
import { type FileInfo, SandglassError } from "@sandglass/protocol";
import { fileInfoOf, fileListOf } from "../../../packages/runtime/src/file-record.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

const FILE = "file\u00006\u0000644\u00001776510028.5\u0000a\u0000";
const LINK = "symlink\u00006\u0000777\u00001776510028.000000001\u0000b\u0000/etc/passwd";
const DIRECTORY = "/workspace";

/** What a file operation says, which is a process beside hostile ones. */
export const fileAnswers: FuzzTarget = {
  name: "file-answers",
  watched: ["/runtime/src/file-record.ts"],
  words: [
    ...[
      FILE,
      LINK,
      "\0",
      "..",
      ".",
      "/",
      "../x",
      "directory",
      "other",
      "file",
      "symlink",
      "-1",
      "1e9",
      "9".repeat(15),
    ],
    ...[
      "99999999999999999999",
      "-99999999999999999999.999999999",
      "0",
      "7777",
      "8",
      "0x1",
      "a\nb",
      "\r\n",
      "ä",
      "\u2028",
    ],
  ],
  seeds: [FILE, `${FILE}\0${LINK}`],
  check(input) {
    const fields = input.toString("utf8").split("\0");
    const one = take(() => [fileInfoOf(fields, "/workspace/a")]);
    const list = take(() => fileListOf(fields, DIRECTORY));
    for (const file of list ?? []) {
      assert.equal(posix.dirname(file.path), DIRECTORY, "a file of another directory");
      assert.equal(posix.basename(file.path), file.name);
    }
    const types = [...new Set([...(one ?? []), ...(list ?? [])].map(({ type }) => type))];
    return `${one !== undefined} ${list && Math.min(list.length, 3)} ${types.length}`;
  },
};

function take(read: () => FileInfo[]): FileInfo[] | undefined {
  try {
    const files = read();
    for (const file of files) assertSound(file);
    return files;
  } catch (error) {
    assert.ok(error instanceof SandglassError && error.code === "FILE_ERROR", String(error));
    return undefined;
  }
}

/** What can stand in a header of an answer, and in a record. */
function assertSound({ sizeBytes, mode, modifiedAt, type, target }: FileInfo): void {
  assert.ok(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0, `${sizeBytes} bytes`);
  assert.ok(Number.isInteger(mode) && mode >= 0 && mode <= 0o7777, `mode ${mode}`);
  assert.equal(new Date(modifiedAt).toISOString(), modifiedAt);
  assert.equal(target !== undefined, type === "symlink");
}
