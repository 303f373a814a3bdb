/**
 * Exports the test events behind those that `<dir>/commit.json` names, up to position `argv[3]`, in batches of random sizes, and
 * commits each with its checkpoint in one rename, as the delivery does. Prints a character for each commit.
 *
 * `argv[4]` is the number of the file operation before which the process kills itself with SIGKILL; where that is a write, in the
 * middle of it. 0: somebody else does.
 */
import fs, { readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import fsPromises, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import type { Checkpoint } from "../../../delivery/exporter.ts";
import { batchOf } from "./batches.ts";

const [dir = "", last = "", killAt = "", seed = ""] = process.argv.slice(2);

let operations = 0;
function isEnd(): boolean {
  operations += 1;
  return operations === Number(killAt);
}
function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("SIGKILL does not return");
}

/** Counts the calls of a function of an object, and ends with one of them. */
function instrument<Name extends string>(target: Record<Name, unknown>, name: Name): void {
  const original = target[name] as (...args: unknown[]) => unknown;
  target[name] = function (this: unknown, ...args: unknown[]): unknown {
    if (!isEnd()) return original.apply(this, args);
    if (name === "write") {
      const fd = (this as FileHandle).fd;
      writeSync(fd, args[0] as Buffer, 0, Math.floor(((args[2] as number) * operations) / (operations + 7)));
    }
    return die();
  };
}
if (Number(killAt) > 0) {
  for (const name of ["open", "rename", "unlink", "mkdir"] as const) instrument(fsPromises, name);
  syncBuiltinESMExports();
  const handle = await fs.promises.open(process.execPath);
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  for (const name of ["write", "truncate", "writeFile", "datasync", "close"] as const) {
    instrument(prototype as unknown as Record<typeof name, unknown>, name);
  }
}
// Only now, so that it sees what was put in the place of the functions.
const { JsonlExporter } = await import("../jsonl-exporter.ts");

const commitPath = join(dir, "commit.json");
const { position: committed, checkpoint } = JSON.parse(readFileSync(commitPath, "utf8")) as {
  position: number;
  checkpoint?: Checkpoint;
};
const exporter = await JsonlExporter.open(
  {
    path: join(dir, "out/events.jsonl"),
    append: true,
    rotateSizeBytes: 20_000,
    rotateFiles: 1000,
    gzip: true,
    mode: 0o600,
    fsync: false,
  },
  checkpoint,
);
const { signal } = new AbortController();
let position = committed;
for (let round = 0; position < Number(last); round++) {
  const size = 1 + ((round * 7919 + Number(seed) * 104_729) % 25);
  const end = Math.min(position + size, Number(last));
  const result = await exporter.export(batchOf(position + 1, end), { signal });
  if (result.status !== "ok") throw new Error(JSON.stringify(result));
  writeFileSync(`${commitPath}.tmp`, JSON.stringify({ position: end, checkpoint: result.checkpoint }));
  if (isEnd()) die();
  renameSync(`${commitPath}.tmp`, commitPath);
  position = end;
  writeSync(1, ".");
}
await exporter.shutdown();
