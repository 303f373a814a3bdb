import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { until } from "@sandglass/testkit";

const TICKS_PER_SECOND = 100;
const NAMESPACES = ["net", "mnt", "pid", "user"];
/** Of the ids that sandboxes have on the host: a file for each that is claimed. */
const CLAIMS = "/run/sandglass/uids";

/** What a daemon has of the host at one moment: its processes, and the namespaces that they alone are in. */
export interface Census {
  /** `<pid> <start time> <name>` of the daemon and everything it is an ancestor of. */
  processes: string[];
  /** `net:[4026532200]`, … */
  namespaces: string[];
  /** Clock ticks between boot and now. */
  takenAt: number;
}

/** Takes stock of a daemon that runs. */
export function takeCensus(daemonPid: number): Census {
  const found = processTree(daemonPid);
  const ours = new Set(namespacesOf(process.pid));
  const namespaces = [...found.keys()].flatMap(namespacesOf).filter((name) => !ours.has(name));
  return {
    processes: [...found.values()],
    namespaces: [...new Set(namespaces)],
    takenAt: Number(read("/proc/uptime").split(" ")[0]) * TICKS_PER_SECOND,
  };
}

/** A daemon and everything that it is an ancestor of, but what is in a sandbox: its collector, egress proxy, helper and minders. */
export function hostProcesses(daemonPid: number): number[] {
  return [...processTree(daemonPid).keys()].filter((pid) => !/\/sbx_/.test(read(`/proc/${pid}/cgroup`)));
}

/** Of a process and everything that it is an ancestor of: what each is, by its pid. */
function processTree(root: number): Map<number, string> {
  const processes = new Map<number, { parent: number; line: string }>();
  for (const pid of pids()) {
    const stat = read(`/proc/${pid}/stat`);
    if (stat === "") continue;
    const [, parent = ""] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    processes.set(pid, { parent: Number(parent), line: describeProcess(pid, stat) });
  }
  const found = new Map<number, string>();
  const own = processes.get(root);
  if (own !== undefined) found.set(root, own.line);
  for (let grown = true; grown; ) {
    grown = false;
    for (const [pid, { parent, line }] of processes)
      if (found.has(parent) && !found.has(pid)) {
        found.set(pid, line);
        grown = true;
      }
  }
  return found;
}

/** What is left on the host of a daemon that was killed, and the kernel has to give back by itself. */
export function survivors(census: Census, dataDir: string): string[] {
  const processes = new Set(census.processes);
  const namespaces = new Set(census.namespaces);
  const left: string[] = [];
  for (const pid of pids()) {
    const line = describeProcess(pid, read(`/proc/${pid}/stat`));
    if (processes.has(line)) left.push(`process ${line}`);
    // The kernel gives the number of a namespace that is gone to the next one, which may be of anybody's.
    if (Number(line.split(" ")[1]) > census.takenAt) continue;
    const held = [...namespacesOf(pid), ...links(`/proc/${pid}/fd`)];
    for (const name of held) if (namespaces.has(name)) left.push(`${name}, held by ${line}`);
  }
  return [...left, ...mountsOf(dataDir), ...loopsOf(dataDir)];
}

/** What there is for sandboxes in a data directory, of the host's cgroups, mounts and devices. */
export function sandboxTraces(dataDir: string): string[] {
  const files = list(join(dataDir, "sandboxes")).map((name) => `sandboxes/${name}`);
  const name = createHash("sha256").update(dataDir).digest("hex").slice(0, 12);
  const cgroups = read("/proc/self/mountinfo")
    .split("\n")
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => join(line.split(" ")[4] ?? "", "sandglass", name))
    .flatMap((dir) =>
      list(dir)
        .filter((entry) => entry.startsWith("sbx_"))
        .flatMap((entry) => [entry, ...directoriesBelow(join(dir, entry)).map((path) => join(entry, path))])
        .map((path) => `cgroup ${path}`),
    );
  return [...files, ...cgroups, ...mountsOf(dataDir), ...loopsOf(dataDir)];
}

/** What is claimed of the host's ids for the sandboxes of a daemon, also when it is gone; and what it left half claimed. */
export function claimsOf({ processes }: Census): string[] {
  const makers = processes.map((line) => line.split(" ").slice(0, 2));
  return list(CLAIMS)
    .filter((name) => {
      const maker = read(join(CLAIMS, name));
      return makers.some(([pid, start]) => maker === `${pid} ${start}` || name.includes(`.${pid}-${start}`));
    })
    .map((name) => `claim ${name}`);
}

/** How much there is of each kind: `cgroup`, `mount`, … */
export function countTraces(traces: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const trace of traces) {
    const [kind = ""] = trace.split(/[ /]/);
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Waits until a look finds nothing. @throws Error with what it found last */
export async function untilNone(what: string, look: () => string[]): Promise<void> {
  let left: string[] = [];
  try {
    await until(what, () => {
      left = look();
      return left.length === 0;
    });
  } catch (error) {
    throw new Error(`${what}, and there is ${left.slice(0, 20).join("; ")}`, { cause: error });
  }
}

/** How many descriptors a process has open. */
export function descriptorsOf(pid: number): number {
  return links(`/proc/${pid}/fd`).length;
}

/** What a process has in memory, in bytes. */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

function mountsOf(dataDir: string): string[] {
  return read("/proc/self/mountinfo")
    .split("\n")
    .filter((line) => line.includes(`${dataDir}/`))
    .map((line) => `mount ${line}`);
}

function loopsOf(dataDir: string): string[] {
  return list("/sys/block")
    .map((name) => read(`/sys/block/${name}/loop/backing_file`).trim())
    .filter((file) => file.startsWith(`${dataDir}/`))
    .map((file) => `loop device of ${file}`);
}

function describeProcess(pid: number, stat: string): string {
  const end = stat.lastIndexOf(")");
  const startTime = stat.slice(end + 2).split(" ")[19] ?? "";
  return `${pid} ${startTime} ${stat.slice(stat.indexOf("(") + 1, end)}`;
}

function namespacesOf(pid: number): string[] {
  return NAMESPACES.map((name) => link(`/proc/${pid}/ns/${name}`)).filter((name) => name !== "");
}

function pids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function links(dir: string): string[] {
  return list(dir).map((name) => link(join(dir, name)));
}

function list(dir: string): string[] {
  return existsSync(dir) ? whileThere(() => readdirSync(dir), []) : [];
}

/** Paths from `dir` on, however deep. */
function directoriesBelow(dir: string): string[] {
  const entries = whileThere(() => readdirSync(dir, { withFileTypes: true }), []);
  return entries
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [name, ...directoriesBelow(join(dir, name)).map((path) => join(name, path))]);
}

function read(path: string): string {
  return whileThere(() => readFileSync(path, "utf8"), "");
}

function link(path: string): string {
  return whileThere(() => readlinkSync(path), "");
}

/** Processes and devices go while one looks; a process that root may not look into is of a container around this one. */
function whileThere<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (
      ["ENOENT", "ESRCH", "ENXIO", "ENODEV", "EINVAL", "EACCES"].includes(
        (error as NodeJS.ErrnoException).code ?? "",
      )
    )
      return otherwise;
    throw error;
  }
}
