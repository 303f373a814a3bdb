import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SOURCES = fileURLToPath(new URL("inside/", import.meta.url));
const made = new Map<string, Promise<string>>();
let directory: string | undefined;

/** A C program of `inside/`, compiled once a process, statically, so that it runs in whatever root a sandbox has. Returns its path. */
export function compiled(name: string): Promise<string> {
  let path = made.get(name);
  if (path === undefined) {
    path = compile(name);
    made.set(name, path);
  }
  return path;
}

async function compile(name: string): Promise<string> {
  if (directory === undefined) {
    const own = mkdtempSync(join(tmpdir(), "sg-hostile-programs-"));
    directory = own;
    process.once("exit", () => rmSync(own, { recursive: true, force: true }));
  }
  const path = join(directory, name);
  await promisify(execFile)("gcc", [
    ...["-O1", "-static", "-pthread", "-Wall", "-Werror", "-o", path],
    join(SOURCES, `${name}.c`),
  ]);
  return path;
}
