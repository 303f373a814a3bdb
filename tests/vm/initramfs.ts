import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

interface Entry {
  name: string;
  mode: number;
  data?: Buffer;
}

const DIRECTORY = 0o040755;
const PROGRAM = 0o100755;

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
    ...inOrder(kernel, modules).map((path, at) => ({
      name: `modules/${String(at).padStart(3, "0")}-${basename(path)}`,
      mode: PROGRAM,
      data: readFileSync(path),
    })),
  ]);
}

/** The modules with those they depend on, which come first. What is none is part of the kernel. */
function inOrder(kernel: string, modules: readonly string[]): string[] {
  const root = join(kernel, "lib/modules");
  const files = new Map(
    readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ko"))
      .map((path) => [basename(path, ".ko").replaceAll("-", "_"), join(root, path)]),
  );
  const ordered = new Set<string>();
  const add = (name: string): void => {
    const path = files.get(name.replaceAll("-", "_"));
    if (path === undefined || !existsSync(path) || ordered.has(path)) return;
    const depends = /\0depends=([^\0]*)\0/.exec(readFileSync(path, "latin1"))?.[1] ?? "";
    for (const other of depends.split(",")) if (other !== "") add(other);
    ordered.add(path);
  };
  modules.forEach(add);
  return [...ordered];
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
