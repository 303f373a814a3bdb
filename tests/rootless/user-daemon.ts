import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { Client } from "sandglass";

/** Ids without an account, of no use to anything else on this machine. Each file of tests has one: what is left over is then its own. */
export const STRANGER = { uid: 54_321, gid: 54_321 };
/** An account that every Debian has, that nobody uses: newuidmap asks for one. */
export const ACCOUNT = { uid: 5, gid: 60, name: "games" };
/** The block of ids that {@link withSubordinateIds} gives to the account. */
export const SUBORDINATE = { first: 700_000, count: 65_536 };

/** A daemon that an ordinary user started, and a client of it. */
export interface UserDaemon extends AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly client: Client;
  readonly uid: number;
}

interface UserDaemonOptions {
  user?: { uid: number; gid: number };
  /** A program in front of everything, as root. */
  through?: readonly string[];
  /** A program in front of the daemon, as its user. */
  within?: readonly string[];
  args?: readonly string[];
  dataDir?: string;
}

/** Starts one without warm sandboxes. Throws what it said where it does not start. */
export async function startUserDaemon(options: UserDaemonOptions = {}): Promise<UserDaemon> {
  const { user = STRANGER, through = [], within = [], args = [], dataDir } = options;
  const daemon = await startDaemon({
    user: { ...user, through, within },
    args: ["--pool", "python=0", ...args],
    ...(dataDir !== undefined && { dataDir }),
  });
  const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey, sdkOtelEnabled: false });
  return {
    daemon,
    client,
    uid: user.uid,
    async [Symbol.asyncDispose]() {
      await client.close();
      await daemon.stop();
    },
  };
}

/** Has a program find `/etc/subuid` and `/etc/subgid` with a block for the account, in a mount namespace that only it has. */
export async function withSubordinateIds(): Promise<{ through: string[]; remove(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), "sg-subids-"));
  const file = join(dir, "subids");
  writeFileSync(file, `${ACCOUNT.name}:${SUBORDINATE.first}:${SUBORDINATE.count}\n`, { mode: 0o644 });
  const script =
    'touch /etc/subuid /etc/subgid && mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec "$@"';
  return {
    through: ["unshare", "--mount", "sh", "-c", script, file],
    remove: () => rm(dir, { recursive: true }),
  };
}

/** A version 2 control group that belongs to a user, as `Delegate=yes` of systemd makes one, and the program in front that starts in it. */
export function givenGroup(name: string, { uid, gid }: { uid: number; gid: number }): GivenGroup {
  const mount = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .find((line) => line.includes(" - cgroup2 "))
    ?.split(" ")[4];
  if (mount === undefined) throw new Error("this host has no version 2 control groups");
  const dir = join(mount, `${name}-${process.pid}`);
  mkdirSync(dir);
  const files = ["", "/cgroup.procs", "/cgroup.threads", "/cgroup.subtree_control"].map(
    (file) => `"$0"${file}`,
  );
  const script = `chown ${uid}:${gid} ${files.join(" ")} && echo $$ > "$0"/cgroup.procs && exec "$@"`;
  return { dir, through: ["sh", "-c", script, dir], remove: () => removeGroups(dir) };
}

export interface GivenGroup {
  readonly dir: string;
  readonly through: readonly string[];
  /** When what was started in it has ended. */
  remove(): Promise<void>;
}

async function removeGroups(dir: string): Promise<void> {
  const below = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const entry of below) await removeGroups(join(dir, entry.name));
  await until("the group is empty", () =>
    /^populated 0$/m.test(readFileSync(join(dir, "cgroup.events"), "utf8")),
  );
  rmdirSync(dir);
}

/** The host's pids of a user, those of its sandboxes included where they have no ids of their own. */
export function pidsOf(uid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && uidOf(name) === uid)
    .map(Number);
}

function uidOf(pid: string): number | undefined {
  try {
    return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return undefined; // it has gone
  }
}
