import { lstatSync, mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { placeInstrumentation } from "../instrument/files.ts";
import { NATIVE } from "../native.ts";
import { copyTree } from "./copy-tree.ts";
import { compileSeccomp } from "./seccomp.ts";

/** The seccomp filter, as the agent puts it on itself where it runs on a guest's kernel. */
export const GUEST_FILTER = "/run/sandglass/seccomp.bpf";

/** What of the host's /etc programs need to run; never keys, tokens or accounts. */
const ETC = [
  "alternatives",
  "bash.bashrc",
  "ca-certificates.conf",
  "debian_version",
  "fonts",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "localtime",
  "matplotlibrc",
  "mime.types",
  "nsswitch.conf",
  "os-release",
  "profile",
  "protocols",
  "services",
  "ssl/certs",
  "ssl/openssl.cnf",
  "terminfo",
  "timezone",
];

const DIRECTORIES: readonly [path: string, mode: number][] = [
  ["usr", 0o755],
  ["etc", 0o755],
  ["etc/ssl", 0o755],
  ["root", 0o700],
  ["home", 0o755],
  ["tmp", 0o1777],
  ["var", 0o755],
  ["var/tmp", 0o1777],
  ["var/lib", 0o755],
  ["var/log", 0o755],
  ["var/cache", 0o755],
  ["run", 0o755],
  ["run/sandglass", 0o755],
  ["proc", 0o555],
  ["sys", 0o555],
  ["dev", 0o755],
  ["workspace", 0o755],
  ["mnt", 0o755],
  ["opt", 0o755],
  ["srv", 0o755],
];

const FILES: Record<string, string> = {
  "etc/passwd":
    "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
  "etc/group": "root:x:0:\nnogroup:x:65534:\n",
  "etc/hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
  "etc/hostname": "sandbox\n",
  "etc/resolv.conf": "",
};

/** Where sandboxes find the daemon's own Node, on a host that has none in its `/usr`. Last on their PATH. */
export const NODE_DIRECTORY = "/opt/node/bin";

/** The program alone: what lies around it on the host is nobody's business inside. */
function addNode(target: string): void {
  if (isThere("/usr/bin/node") || isThere("/usr/local/bin/node")) return;
  mkdirSync(join(target, NODE_DIRECTORY), { recursive: true, mode: 0o755 });
  copyTree(realpathSync(process.execPath), join(target, NODE_DIRECTORY, "node"));
}

/** Also a link that leads nowhere. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/**
 * Builds the lower layer of every sandbox's `/` anew in `target`: the host's `/usr` is a layer of its own, and from the rest of
 * the host only what programs need to start. `mountPoints` are directories that templates mount something on.
 */
export function buildSkeleton(target: string, mountPoints: readonly string[]): void {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true, mode: 0o755 });
  for (const [path, mode] of DIRECTORIES) mkdirSync(join(target, path), { mode });
  for (const link of ["bin", "sbin", "lib", "lib32", "lib64", "libx32"])
    if (isThere(`/usr/${link}`)) symlinkSync(`usr/${link}`, join(target, link));
  for (const name of [...ETC, ...pythonConfigs()])
    if (isThere(join("/etc", name))) copyTree(join("/etc", name), join(target, "etc", name));
  for (const [path, text] of Object.entries(FILES)) writeFileSync(join(target, path), text, { mode: 0o644 });
  copyTree(NATIVE.agent, join(target, "run/sandglass/agent"));
  for (const name of ["repl.py", "repl_show.py", "repl.cjs", "repl.bash"])
    copyTree(join(NATIVE.assets, name), join(target, "run/sandglass", name));
  writeFileSync(join(target, GUEST_FILTER), compileSeccomp(process.arch, true), { mode: 0o644 });
  placeInstrumentation(target);
  addNode(target);
  for (const path of mountPoints) mkdirSync(join(target, path), { recursive: true, mode: 0o755 });
}

function pythonConfigs(): string[] {
  return readdirSync("/etc").filter((name) => /^python3(\.\d+)?$/.test(name));
}
