import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { runTraced, tracedEnvironment } from "./run-traced.ts";
import { SpanSink } from "./span-sink.ts";

const python = "/usr/bin/python3";

describe("a program that is reported", () => {
  let sink: SpanSink;
  let dir: string;
  before(async () => {
    sink = await SpanSink.start();
    dir = mkdtempSync(join(tmpdir(), "sg-spans-"));
  });
  after(async () => {
    await sink[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true });
  });

  function compile(name: string, source: string, ...options: string[]): string {
    const program = join(dir, name);
    writeFileSync(`${program}.c`, source);
    execFileSync("cc", ["-o", program, `${program}.c`, ...options]);
    return program;
  }

  async function codes(argv: string[]): Promise<unknown[]> {
    const { code, signal, spans } = await runTraced(sink, argv);
    return [code, signal, spans.map((span) => span.attributes["process.exit.code"])];
  }

  test("says its exit code in whatever way it leaves", async () => {
    const program = compile(
      "leave",
      `#include <pthread.h>
      #include <stdlib.h>
      #include <unistd.h>
      static void *leave(void *way) { if (*(char *)way == 't') exit(6); _Exit(3); }
      int main(int argc, char **argv) {
        char way = argv[1][0];
        pthread_t thread;
        if (way == 'e') exit(1);
        if (way == '_') _exit(2);
        if (way == 'q') quick_exit(4);
        if (way == 'r') return 256 + 5;
        pthread_create(&thread, 0, leave, &way);
        if (way == 'x') { pthread_detach(thread); pthread_exit(0); }
        pthread_join(thread, 0);
      }`,
      "-pthread",
    );
    for (const [way, code] of Object.entries({ e: 1, _: 2, T: 3, q: 4, r: 5, t: 6, x: 3 }))
      assert.deepEqual(await codes([program, way]), [code, null, [code]], way);
  });

  test("may have closed its first descriptors, or used up all of them", async () => {
    assert.deepEqual(await codes([python, "-c", "import os; os.closerange(0, 3); os._exit(7)"]), [
      7,
      null,
      [7],
    ]);
    const greedy = `
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
try:
    while True: os.open("/dev/null", 0)
except OSError: sys.exit(8)`;
    assert.deepEqual(await codes([python, "-c", greedy]), [8, null, [8]]);
  });

  test("finds its descriptors, its environment and its signals as they are without", async () => {
    const script = `
import os, signal, subprocess, sys
print(sorted(os.listdir("/proc/self/fd")))
print(sorted(name for name in os.environ if name.startswith("SANDGLASS")))
print([signal.getsignal(number) for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGTERM)])
print(sys.argv, subprocess.run(["sh", "-c", "exit 3"]).returncode, os.wait3(0) if os.fork() else os._exit(5))
print(subprocess.run(["env"], capture_output=True).stdout.count(b"SANDGLASS"), os.path.exists("/proc/self/fd/3"))`;
    const comparable = (output: string): string =>
      output
        .replace(/\\(\\d+, (\\d+), resource.*\\)$/m, "($1)")
        .replace(/\(\d+, (\d+), resource.*\)/, "($1)");
    const [bare, traced] = [
      await runTraced(sink, [python, "-c", script], { LD_PRELOAD: undefined }),
      await runTraced(sink, [python, "-c", script]),
    ];
    assert.equal(comparable(traced.stdout), comparable(bare.stdout));
    assert.deepEqual([traced.stderr, traced.code, bare.code], ["", 0, 0]);
  });

  test("that gives up system calls is left alone from there on, and so is what it executes", async () => {
    const program = compile(
      "confined",
      `#include <stddef.h>
      #include <linux/filter.h>
      #include <linux/seccomp.h>
      #include <sys/prctl.h>
      #include <sys/syscall.h>
      #include <unistd.h>
      int main(int argc, char **argv) {
        struct sock_filter filter[] = {
          BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
        struct sock_fprog program = {4, filter};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 99;
        if (argc > 1) execl("/bin/sh", "sh", "-c", "/bin/true; exit 9", (char *)0);
        return 8;
      }`,
    );
    assert.deepEqual(await codes([program]), [8, null, []]);
    assert.deepEqual(await codes([program, "exec"]), [9, null, []]);
  });

  test("built with the address sanitizer runs with the option that an instrumented sandbox sets", async () => {
    const program = compile("sanitized", "int main(void) { return 6; }", "-fsanitize=address");
    const { code, spans, stderr } = await runTraced(sink, [program], {
      ASAN_OPTIONS: "verify_asan_link_order=0",
    });
    assert.deepEqual([code, spans.length, stderr], [6, 1, ""]);
  });

  test("that executes what is not there goes on as itself", async () => {
    const { tree, spans, stdout } = await runTraced(sink, [
      python,
      "-c",
      `
import os
os.spawnlp(os.P_WAIT, "true", "true")
for execute in (os.execv, os.execvp):
    try: execute("/nowhere", ["nowhere"])
    except FileNotFoundError: print("still here")`,
    ]);
    assert.equal(stdout, "still here\nstill here\n");
    assert.deepEqual([spans.length, tree.at(-1)], [2, "  true"]);
  });

  test("that has a static program below it keeps its tree", async () => {
    const program = compile(
      "static",
      'int main(void) { return system("true"); }'.replace("int", "#include <stdlib.h>\nint"),
      "-static",
    );
    const { tree, code } = await runTraced(sink, ["bash", "-c", `${program}; exit 2`]);
    assert.deepEqual([tree, code], [[`bash -c ${program}; exit 2 → 2`, "  dash -c true"], 2]);
  });

  test("that is written in Go, which leaves by itself, keeps its tree", async () => {
    const program = compile(
      "go",
      `#include <stdlib.h>
      #include <sys/syscall.h>
      #include <unistd.h>
      __asm__(".pushsection .note.go.buildid, \\"a\\", @note\\n.long 4, 4, 4\\n.asciz \\"Go\\"\\n.byte 0\\n.long 1\\n.popsection");
      int main(void) { system("/bin/true; exit 3"); syscall(SYS_exit_group, 5); }`,
    );
    const { tree, code } = await runTraced(sink, ["bash", "-c", `${program}; exit 2`]);
    const child = ["  dash -c /bin/true; exit 3 → 3", "    true"];
    assert.deepEqual([tree, code], [[`bash -c ${program}; exit 2 → 2`, ...child], 2]);
  });

  test("ends all the same where nobody listens, and where nobody answers", async () => {
    const silent = createServer((socket: Socket) => void socket.resume().on("error", () => {}));
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const endpoints = [portOf(silent), 1].map((port) => `http://127.0.0.1:${port}`);
    for (const endpoint of [...endpoints, "http://192.0.2.1:4318", "https://127.0.0.1:4318", "nonsense"]) {
      const child = spawn("bash", ["-c", "/bin/true; yes | head -1; exit 4"], {
        env: tracedEnvironment(endpoint),
        stdio: ["ignore", "pipe", "pipe"],
      });
      const ended = once(child, "exit");
      assert.deepEqual([await text(child.stdout), await text(child.stderr)], ["y\n", ""], endpoint);
      assert.deepEqual(await ended, [4, null], endpoint);
    }
    silent.close();
  });
});

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
