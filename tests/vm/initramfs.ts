import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

interface Entry {
  name: string;
  mode: number;
  data?: Buffer;
}

const DIRECTORY = 0o040755;
const PROGRAM = 0o100755;
const MAX_MODULE_BYTES = 64 * 1024 * 1024;

/**
 * What a kernel starts from: busybox, the modules that it takes to see the host's files, and a program that mounts these and goes on
 * there. An archive in cpio's "newc" format, uncompressed.
 *
 * @param kernel where a Debian kernel package was unpacked
 * @param init a shell script for busybox
 */
export function initramfs(kernel: string, modules: readonly string[], init: string): Buffer {
  const directories = ["bin", "modules", "proc", "sys", "dev", "root"];
  return archive([
    ...directories.map((name) => ({ name, mode: DIRECTORY })),
    { name: "bin/busybox", mode: PROGRAM, data: readFileSync("/bin/busybox") },
    { name: "init", mode: PROGRAM, data: Buffer.from(init) },
    ...inOrder(kernel, modules).map(([name, data], at) => ({
      name: `modules/${String(at).padStart(3, "0")}-${name}.ko`,
      mode: PROGRAM,
      data,
    })),
  ]);
}

/** The modules with those they depend on, which come first. What is none is part of the kernel. */
function inOrder(kernel: string, modules: readonly string[]): [name: string, data: Buffer][] {
  const root = join(kernel, "lib/modules");
  const files = new Map(
    readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((path) => /\.ko(\.xz)?$/.test(path))
      .map((path) => [
        basename(path)
          .replace(/\.ko(\.xz)?$/, "")
          .replaceAll("-", "_"),
        join(root, path),
      ]),
  );
  const ordered = new Map<string, Buffer>();
  const add = (given: string): void => {
    const name = given.replaceAll("-", "_");
    const path = files.get(name);
    if (path === undefined || ordered.has(name)) return;
    const data = path.endsWith(".xz") ? unpacked(path) : readFileSync(path);
    const depends = /\0depends=([^\0]*)\0/.exec(data.toString("latin1"))?.[1] ?? "";
    for (const other of depends.split(",")) if (other !== "") add(other);
    ordered.set(name, data);
  };
  modules.forEach(add);
  return [...ordered];
}

/** Debian compresses modules since its kernel 6.12, and busybox does not know how. */
function unpacked(path: string): Buffer {
  return execFileSync("xz", ["--decompress", "--stdout", path], { maxBuffer: MAX_MODULE_BYTES });
}

function archive(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = [];
  const add = ({ name, mode, data = Buffer.alloc(0) }: Entry, at: number): void => {
    const numbers = [at, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
    const head = `070701${numbers.map((number) => number.toString(16).padStart(8, "0")).join("")}${name}\0`;
    parts.push(Buffer.from(head), padding(head.length), data, padding(data.length));
  };
  for (const [at, entry] of [...entries, { name: "TRAILER!!!", mode: 0 }].entries()) add(entry, at + 1);
  return Buffer.concat(parts);
}

/** Everything begins at a multiple of four. */
function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}
