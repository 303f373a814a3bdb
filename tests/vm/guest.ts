import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { initramfs } from "./initramfs.ts";

const run = promisify(execFile);

/** Kept beside what the set-up fetches: unpacked once for a checkout. */
const CACHE = join(import.meta.dirname, "../../.toolchain/vm");
const MODULES = ["virtio_pci", "9p", "9pnet_virtio", "overlay", "loop", "ext4", "crc32c_generic"];
const MEMORY_MB = 1536;

/** Mounts the host's files, which cannot be written, with memory over `/tmp` and `/run`, and all controllers in version 2. */
const INIT = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs d /dev; $b mount -t proc p /proc; $b mount -t sysfs s /sys
for module in /modules/*; do $b insmod $module; done
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /root
$b mount -t tmpfs -o mode=1777 t /root/tmp
$b mount -t tmpfs t /root/run
for d in dev proc sys; do $b mount --move /$d /root/$d; done
$b mkdir -p /root/dev/pts /root/dev/shm
$b mount -t devpts d /root/dev/pts
$b mount -t tmpfs s /root/dev/shm
$b mount -t cgroup2 c /root/sys/fs/cgroup
script=$($b sed -n 's/.*run=\\([^ ]*\\).*/\\1/p' /root/proc/cmdline)
exec $b switch_root /root /bin/bash -c "bash $script 2>&1; echo VM-EXIT \\$?; echo o > /proc/sysrq-trigger; sleep 60"
`;

/**
 * Boots Debian's kernel under software emulation, with this host's files as its own and control groups of version 2 alone, runs a
 * bash script there, and resolves with what it printed and its exit code. Nothing of the host can be written.
 *
 * @param script its path must not be below `/tmp` or `/run`
 * @throws Error with the console's last lines where it does not come that far
 */
export async function inGuest(script: string, timeoutMs: number): Promise<{ code: number; output: string }> {
  const kernel = await unpackedKernel();
  const dir = await mkdtemp(join(tmpdir(), "sg-vm-"));
  try {
    await writeFile(join(dir, "initrd"), initramfs(kernel, MODULES, INIT));
    const boot =
      (await readdir(join(kernel, "boot"))).find((name) => name.startsWith("vmlinuz")) ?? "vmlinuz";
    const args = [
      ...["-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", String(MEMORY_MB)],
      ...["-nographic", "-no-reboot", "-net", "none"],
      ...["-kernel", join(kernel, "boot", boot), "-initrd", join(dir, "initrd")],
      // An emulated timer is late on a busy host: without the check the kernel would wait for ever.
      ...["-append", `console=ttyS0 quiet panic=-1 no_timer_check cgroup_no_v1=all run=${script}`],
      ...["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"],
    ];
    const output = await consoleOf(args, timeoutMs);
    const code = /VM-EXIT (\d+)/.exec(output)?.[1];
    if (code === undefined) throw new Error(`the guest came to no end:\n${output.slice(-4000)}`);
    return { code: Number(code), output };
  } finally {
    await rm(dir, { recursive: true });
  }
}

function consoleOf(args: readonly string[], timeoutMs: number): Promise<string> {
  const child = spawn("qemu-system-x86_64", args, { stdio: ["ignore", "pipe", "inherit"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      clearTimeout(timer);
      resolve(output);
    });
  });
}

/** The kernel that Debian installs by default. */
async function unpackedKernel(): Promise<string> {
  const unpacked = join(CACHE, "kernel");
  if (existsSync(unpacked)) return unpacked;
  await mkdir(CACHE, { recursive: true });
  const { stdout } = await run("apt-cache", ["depends", "linux-image-amd64"]);
  const name = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (name === undefined) throw new Error("apt knows no linux-image-amd64: run `apt-get update`");
  await run("apt-get", ["download", name], { cwd: CACHE });
  const file =
    (await readdir(CACHE)).find((entry) => entry.startsWith(name) && entry.endsWith(".deb")) ?? name;
  const temporary = `${unpacked}.new`;
  await rm(temporary, { recursive: true, force: true });
  await run("dpkg-deb", ["-x", join(CACHE, file), temporary]);
  await rename(temporary, unpacked);
  await rm(join(CACHE, file));
  return unpacked;
}
