import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { detectCgroups, execHierarchies, hierarchies, weighGroup } from "./cgroup-layout.ts";
import { SandboxCgroup } from "./cgroups.ts";
import { unenforcedLimits } from "./checks.ts";

const root = mkdtempSync(join(tmpdir(), "sg-cgroup-"));
after(() => rmSync(root, { recursive: true }));

/** A directory with the files that a version 2 hierarchy has there; what the kernel would do with them is in bubblewrap.test.ts. */
function version2(name: string, controllers: string): string {
  const dir = join(root, name);
  mkdirSync(dir);
  writeFileSync(join(dir, "cgroup.controllers"), `${controllers}\n`);
  writeFileSync(join(dir, "cgroup.subtree_control"), "");
  return dir;
}

function version1(name: string): string {
  const dir = join(root, name);
  mkdirSync(dir);
  return dir;
}

const line = (mount: string, type: string, options: string): string =>
  `31 23 0:28 / ${mount.replaceAll(" ", "\\040")} rw,relatime shared:9 - ${type} ${type} ${options}`;

describe("where this host keeps control groups", () => {
  test("version 2 alone: every controller is there", () => {
    const mount = version2("v2", "cpuset cpu io memory hugetlb pids");
    const layout = detectCgroups(line(mount, "cgroup2", "rw,nsdelegate"));
    const controller = { mount, version: 2 } as const;
    assert.deepEqual(layout, {
      unified: mount,
      controllers: { memory: controller, pids: controller, cpu: controller },
      freezer: undefined,
      cpuacct: undefined,
    });
    assert.deepEqual(hierarchies(layout), [mount]);
    assert.deepEqual(execHierarchies(layout), [mount]);
    assert.deepEqual(
      unenforcedLimits(layout).filter(({ limit }) => limit !== "diskMb"),
      [],
    );
  });

  test("version 1 alone, controllers sharing hierarchies and a space in a path", () => {
    const [cpu, memory, freezer] = [version1("cpu,cpuacct"), version1("the memory"), version1("freezer")];
    const layout = detectCgroups(
      [
        line(cpu, "cgroup", "rw,cpu,cpuacct"),
        line(memory, "cgroup", "rw,memory"),
        line(freezer, "cgroup", "rw,freezer"),
      ].join("\n"),
    );
    assert.deepEqual(layout, {
      unified: undefined,
      controllers: { cpu: { mount: cpu, version: 1 }, memory: { mount: memory, version: 1 } },
      freezer,
      cpuacct: cpu,
    });
    assert.deepEqual(new Set(hierarchies(layout)), new Set([cpu, memory, freezer]));
    assert.deepEqual(
      unenforcedLimits(layout)
        .map(({ limit }) => limit)
        .filter((limit) => limit !== "diskMb"),
      ["maxPids"],
    );
  });

  test("both: limits by version 1, freezing and killing by an empty version 2", () => {
    const [memory, unified] = [version1("hybrid-memory"), version2("unified", "")];
    const layout = detectCgroups(
      `${line(memory, "cgroup", "rw,memory")}\n${line(unified, "cgroup2", "rw")}\n`,
    );
    assert.equal(layout.unified, unified);
    assert.deepEqual(layout.controllers, { memory: { mount: memory, version: 1 } });
    assert.deepEqual(execHierarchies(layout), [memory, unified]);
  });

  test("none: every limit that needs one is said not to be enforced", () => {
    const layout = detectCgroups("22 1 8:1 / / rw - ext4 /dev/root rw\n");
    assert.deepEqual(hierarchies(layout), []);
    const missing = unenforcedLimits(layout).map(({ limit }) => limit);
    for (const limit of ["memoryMb", "vcpu", "maxPids"] as const) assert.ok(missing.includes(limit), limit);
  });
});

test("on version 2, limits are written where the kernel's documentation has them", () => {
  const mount = version2("v2-limits", "cpu memory pids");
  // The kernel makes these files with each group.
  for (const path of ["sandglass", "sandglass/sbx", "sandglass/sbx/agent"]) {
    mkdirSync(join(mount, path));
    writeFileSync(join(mount, path, "cgroup.subtree_control"), "");
  }
  writeFileSync(join(mount, "sandglass/sbx/memory.swap.max"), "max");
  const cgroup = new SandboxCgroup(detectCgroups(line(mount, "cgroup2", "rw")), "sandglass/sbx");
  cgroup.setLimits({ memoryMb: 64, vcpu: 0.5, maxPids: 32 });
  const read = (file: string): string => readFileSync(join(mount, file), "utf8");
  assert.equal(read("sandglass/sbx/memory.max"), String(64 * 1024 * 1024));
  assert.equal(read("sandglass/sbx/memory.swap.max"), "0");
  assert.equal(read("sandglass/sbx/pids.max"), "32");
  assert.equal(read("sandglass/sbx/cpu.max"), "50000 100000");
  assert.equal(read("sandglass/cgroup.subtree_control"), "+memory +pids +cpu");
  assert.deepEqual(cgroup.agentDirs, [join(mount, "sandglass/sbx/agent")]);
  cgroup.makeExec("x1");
  assert.ok(existsSync(join(mount, "sandglass/sbx/x1")));
  assert.equal(
    read("sandglass/sbx/cgroup.subtree_control"),
    "+memory +pids +cpu",
    "an exec's group counts its own",
  );
});

describe("what all sandboxes weigh beside the host's processes", () => {
  const shares = (mount: string, group: string, file: string): string =>
    readFileSync(join(mount, group, file), "utf8");
  const weighed = (name: string, version: 1 | 2, cores: number, isIdle = false): [string, string] => {
    const mount = version === 1 ? version1(name) : version2(name, "cpu");
    const file = version === 1 ? "cpu.shares" : "cpu.weight";
    for (const group of ["sandglass", "sandglass/1a2b"]) {
      mkdirSync(join(mount, group));
      writeFileSync(join(mount, group, file), "as it was");
      writeFileSync(join(mount, group, "cpu.idle"), isIdle ? "1\n" : "0\n");
    }
    const controllers = { cpu: { mount, version } };
    const layout = { unified: undefined, freezer: undefined, cpuacct: undefined, controllers };
    weighGroup(layout, "sandglass/1a2b", cores);
    return [shares(mount, "sandglass", file), shares(mount, "sandglass/1a2b", file)];
  };

  test("version 1: a quarter of a process on each core", () => {
    assert.deepEqual(weighed("v1-2", 1, 2), ["512", "512"]);
    assert.deepEqual(weighed("v1-64", 1, 64), ["16384", "16384"]);
    assert.deepEqual(weighed("v1-4096", 1, 4096), ["262144", "262144"]);
  });

  test("version 2: that, and no more than another group", () => {
    assert.deepEqual(weighed("v2-2", 2, 2), ["50", "50"]);
    assert.deepEqual(weighed("v2-64", 2, 64), ["100", "100"]);
  });

  test("groups that an operator gave only what is idle stay so", () => {
    assert.deepEqual(weighed("v1-idle", 1, 2, true), ["as it was", "as it was"]);
  });
});
