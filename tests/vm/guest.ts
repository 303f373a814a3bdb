import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { guestImage } from "./guest-image.ts";
import { initramfs } from "./initramfs.ts";

const run = promisify(execFile);

const CHECKOUT = join(import.meta.dirname, "../..");
/** Kept beside what the set-up fetches: unpacked once for a checkout. */
const CACHE = join(CHECKOUT, ".toolchain/vm");
const MODULES = [
  "virtio_pci",
  "virtio_blk",
  "9p",
  "9pnet_virtio",
  "overlay",
  "loop",
  "ext4",
  "crc32c_generic",
];
const MEMORY_MB = 2048;

/** Mounts the guest's own files and the checkout, which cannot be written, and goes on with systemd. */
const INIT = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs d /dev; $b mount -t proc p /proc; $b mount -t sysfs s /sys
for module in /modules/*; do $b insmod $module; done
$b mount -t ext4 /dev/vda /root
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 checkout /root/opt/sandglass
for d in dev proc sys; do $b mount --move /$d /root/$d; done
exec $b switch_root /root /lib/systemd/systemd
`;

/** Runs once the guest is up, and ends it. */
const MAIN = `[Unit]
After=basic.target
[Service]
Type=oneshot
TimeoutStartSec=infinity
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
ExecStart=/bin/bash -c 'bash $0; echo VM-EXIT $?; systemctl poweroff --force --force' /opt/sandglass/%s
[Install]
WantedBy=multi-user.target
`;

/**
 * Boots Debian's kernel and systemd under software emulation, with control groups of version 2 alone and this checkout, read-only, in
 * `/opt/sandglass`; runs a bash script there as root, and resolves with what it printed and its exit code.
 *
 * @param script its path in the checkout
 * @param files more of the guest's own, by their paths without a leading slash
 * @throws Error with the console's last lines where it does not come that far
 */
export async function inGuest(
  script: string,
  files: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<{ code: number; output: string }> {
  const kernel = await unpackedKernel();
  const dir = await mkdtemp(join(tmpdir(), "sg-vm-"));
  try {
    const disk = join(dir, "disk");
    const main = { "etc/systemd/system/main.service": MAIN.replace("%s", script) };
    await guestImage(disk, { ...files, ...main }, ["main.service"]);
    await writeFile(join(dir, "initrd"), initramfs(kernel, MODULES, INIT));
    const boot =
      (await readdir(join(kernel, "boot"))).find((name) => name.startsWith("vmlinuz")) ?? "vmlinuz";
    const args = [
      ...["-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", String(MEMORY_MB)],
      ...["-nographic", "-no-reboot", "-net", "none"],
      ...["-kernel", join(kernel, "boot", boot), "-initrd", join(dir, "initrd")],
      // An emulated timer is late on a busy host: without the check the kernel would wait for ever.
      ...["-append", "console=ttyS0 quiet panic=-1 no_timer_check cgroup_no_v1=all systemd.show_status=0"],
      ...["-drive", `file=${disk},format=raw,if=virtio,cache=unsafe`],
      ...[
        "-virtfs",
        `local,path=${CHECKOUT},mount_tag=checkout,security_model=none,readonly=on,multidevs=remap`,
      ],
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
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (process.env.SANDGLASS_VM_CONSOLE !== undefined) process.stderr.write(text);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      clearTimeout(timer);
      resolve(output);
    });
  });
}

/** Where another kernel package of Debian was unpacked (`dpkg-deb -x FILE DIRECTORY`), to boot that one. */
const OTHER_KERNEL = process.env.SANDGLASS_VM_KERNEL;

/** The kernel that Debian installs by default. */
async function unpackedKernel(): Promise<string> {
  if (OTHER_KERNEL !== undefined) return OTHER_KERNEL;
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
