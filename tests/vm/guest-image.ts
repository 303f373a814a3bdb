import { execFile } from "node:child_process";
import { copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const MAX_BUFFER = 64 * 1024 * 1024;

/** What Debian's packages of this host give the guest, with what they need themselves. */
const PACKAGES = [
  ...["systemd", "dbus", "bash", "coreutils", "util-linux", "mount", "procps"],
  ...["bubblewrap", "uidmap", "e2fsprogs", "python3", "libstdc++6"],
];
const SIZE = "2G";

const DIRECTORIES = [
  ...["dev", "proc", "sys", "run", "tmp", "root", "opt/sandglass", "var/lib", "var/log", "var/tmp"],
  ...["etc/systemd/system", "etc/systemd/system.conf.d", "usr/local/bin"],
];

const FILES: Readonly<Record<string, string>> = {
  "etc/passwd":
    "root:x:0:0:root:/root:/bin/bash\nmessagebus:x:100:100::/nonexistent:/usr/sbin/nologin\n" +
    "sandglass:x:999:999::/var/lib/sandglass:/usr/sbin/nologin\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n",
  "etc/group": "root:x:0:\ntty:x:5:\nmessagebus:x:100:\nsandglass:x:999:\nnogroup:x:65534:\n",
  "etc/subuid": "sandglass:100000:65536\n",
  "etc/subgid": "sandglass:100000:65536\n",
  "etc/hosts": "127.0.0.1 localhost\n",
  "etc/hostname": "guest\n",
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
  "etc/fstab": "",
  "etc/machine-id": "",
  // Emulation is slow, and what waits ninety seconds for it has not failed.
  "etc/systemd/system.conf.d/slow.conf": "[Manager]\nDefaultTimeoutStartSec=900\n",
};

/**
 * Makes an ext4 file system that a guest starts from: Debian's packages as this host has them (their programs, not their set-up), this
 * Node, and an account `sandglass` with subordinate ids. Needs root, whose files they are.
 *
 * @param image path of the file that is made
 * @param files more of them, by their paths in the guest without a leading slash
 * @param enabled units that are started at boot
 */
export async function guestImage(
  image: string,
  files: Readonly<Record<string, string>>,
  enabled: readonly string[],
): Promise<void> {
  const root = join(dirname(image), "root");
  for (const directory of DIRECTORIES) await mkdir(join(root, directory), { recursive: true });
  for (const link of ["bin", "sbin", "lib", "lib64"]) await symlink(`usr/${link}`, join(root, link));
  await copy(await filesOf(PACKAGES), root);
  await copyFile(process.execPath, join(root, "usr/local/bin/node"));
  for (const [path, text] of Object.entries({ ...FILES, ...files })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  await run("chown", ["-R", "0:0", join(root, "etc"), join(root, "usr/local")]);
  await run("systemctl", ["--root", root, "set-default", "multi-user.target"]);
  await run("systemctl", ["--root", root, "enable", ...enabled]);
  await run("ldconfig", ["-r", root]);
  await run("mkfs.ext4", ["-q", "-F", "-O", "^has_journal", "-d", root, image, SIZE]);
  await run("rm", ["-r", root]);
}

/** Paths of all that is installed of these packages and what they depend on, without documentation. */
async function filesOf(packages: readonly string[]): Promise<string[]> {
  const no = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"];
  const flags = ["--recurse", "--installed", ...no.map((kind) => `--no-${kind}`)];
  const { stdout: tree } = await run("apt-cache", ["depends", ...flags, ...packages], {
    maxBuffer: MAX_BUFFER,
  });
  const names = tree.split("\n").filter((line) => /^[a-z0-9]/.test(line));
  // Alternatives that are not installed are named too: it complains of those, and lists the others.
  const list = ["-c", 'dpkg-query -L "$@" 2>/dev/null || true', "sh", ...names];
  const { stdout } = await run("sh", list, { maxBuffer: MAX_BUFFER });
  const wanted = stdout
    .split("\n")
    .map((path) => path.replace(/^\/(s?bin|lib|lib64)\//, "/usr/$1/"))
    .filter((path) => /^\/usr\/(s?bin|lib|lib64|libexec|share)\//.test(path))
    .filter((path) => !/^\/usr\/share\/(doc|man|locale|info|lintian|bug)\//.test(path));
  return [...new Set(wanted)].sort();
}

/** With tar, which takes a list of any length and leaves directories' contents out. */
async function copy(paths: readonly string[], root: string): Promise<void> {
  const list = `${root}.list`;
  await writeFile(list, `${paths.join("\n")}\n`);
  const script =
    'tar -C / -cf - --xattrs --xattrs-include=* --no-recursion --ignore-failed-read -T "$0" 2>/dev/null | tar -C "$1" --xattrs --xattrs-include=* -xf -';
  await run("bash", ["-c", script, list, root]);
}
