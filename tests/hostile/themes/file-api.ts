import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { callHttp } from "@sandglass/testkit";
import type { Theme } from "../attack.ts";
import { inPieces, refusal } from "../file-calls.ts";
import type { Scene } from "../scene.ts";
import { streamedLinks } from "./streamed-links.ts";

const MIB = 1024 * 1024;

/** Writes these bytes to the output of the file operation that runs: the process of the agent's that has an upload open. */
const HIJACK = `
import os, sys, time
for _ in range(2000):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if any(".upload-" in os.readlink("/proc/%s/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%s/fd" % pid)):
                os.write(os.open("/proc/%s/fd/1" % pid, os.O_WRONLY), eval(sys.argv[1]))
                sys.exit(0)
        except OSError: pass
    time.sleep(0.005)
sys.exit(3)`;

async function forgeAnswer(scene: Scene, answer: string): Promise<string> {
  return refusal(
    scene.sandbox.files.write(
      "upload",
      inPieces([Buffer.alloc(1000), Buffer.alloc(1000)], async () => {
        assert.equal((await scene.run(["python3", "-c", HIJACK, answer])).exitCode, 0, "no upload was found");
      }),
    ),
  );
}

/** The host's file API, which works on a tree that somebody hostile owns. */
export const fileApi: Theme = {
  name: "the host's file API",
  attacks: [
    {
      name: "links that lead to the host lead into the sandbox: absolute, relative, dangling and in circles",
      async run(scene) {
        const { sandbox, host } = scene;
        const secret = join(host.directory, "secret");
        await scene.run(
          `ln -s ${secret} a; ln -s ../../../..${secret} b; ln -s / root; ln -s c c; ln -s /etc/shadow d`,
        );
        for (const path of ["a", "b", "d"])
          assert.equal(await refusal(sandbox.files.read(path)), "FILE_NOT_FOUND", path);
        // Versions of gVisor lose what is behind a link to the root: that is the directory "/" then, the sandbox's own.
        const behindRoot = ["FILE_NOT_FOUND", ...(scene.isolation === "gvisor" ? ["FILE_CONFLICT"] : [])];
        assert.ok(behindRoot.includes(await refusal(sandbox.files.read(`root${secret}`))));
        assert.equal(await refusal(sandbox.files.read("c")), "FILE_ERROR");
        for (const path of ["a", "b", "c"])
          assert.notEqual(await refusal(sandbox.files.write(path, "evil")), "ok", path);
        if ((await refusal(sandbox.files.write("root/tmp/through", "inside"))) === "ok")
          assert.equal((await scene.run("cat /tmp/through")).stdout, "inside");
        else assert.equal(scene.isolation, "gvisor");
        assert.equal(readFileSync(secret, "utf8"), host.secrets.file);
      },
    },
    {
      name: "`..`, encoded or not, and absolute paths stay inside",
      async run(scene) {
        const { daemon, directory } = scene.host;
        const base = `/v1/sandboxes/${scene.sandbox.id}/files`;
        const ways = [
          "../../../../../..",
          "..%2f..%2f..%2f..%2f..",
          "%2e%2e/%2e%2e/%2e%2e/%2e%2e",
          "....//....//",
          "%2f",
          "%2fproc%2f1%2froot",
        ];
        for (const way of ways) {
          const { status, text } = await callHttp(
            daemon,
            `GET ${base}/${way}${encodeURIComponent(`${directory}/secret`)}`,
          );
          assert.ok(status >= 400 && status < 500, `${way}: ${status}`);
          assert.ok(!text.includes(scene.host.secrets.file ?? "?"));
        }
        await scene.sandbox.files.write("../../../../../../tmp/up", "x");
        assert.equal((await scene.run("cat /tmp/up")).stdout, "x");
      },
    },
    {
      name: "a directory that becomes a link while files are read and written through it",
      async run(scene) {
        const { sandbox, host } = scene;
        const program = await scene.place("swap");
        await scene.run(`mkdir real; echo inside > real/secret; ln -s ${host.directory} link`);
        const { execId, ended } = await scene.start([program, "/workspace/real", "/workspace/link"], "swaps");
        for (let n = 0; n < 25; n++) {
          await Promise.all([
            sandbox.files.readText("real/secret").then(
              (text) => assert.equal(text, "inside\n"),
              () => undefined,
            ),
            refusal(sandbox.files.write("real/written", "evil")),
            refusal(sandbox.files.list("real")),
          ]);
        }
        await sandbox.execs.kill(execId);
        await ended;
        assert.equal(readFileSync(join(host.directory, "secret"), "utf8"), host.secrets.file);
        assert.throws(() => readFileSync(join(host.directory, "written")), { code: "ENOENT" });
      },
    },
    {
      name: "a file that shrinks, grows, is replaced or deleted while it is streamed: what was promised, or an error",
      async run(scene) {
        const { files } = scene.sandbox;
        for (const [what, isWhole] of [
          [": > f", false],
          ["head -c 20M /dev/zero >> f", true],
          ["rm f", true],
          ["echo other > g; mv g f", true],
        ] as const) {
          await scene.run("head -c 16M /dev/zero > f");
          const stream = await files.readStream("f");
          let bytes = 0;
          const reading = (async () => {
            for await (const chunk of stream) {
              if (bytes === 0) await scene.run(what);
              bytes += (chunk as Buffer).length;
            }
          })();
          if (isWhole) await reading;
          else await assert.rejects(reading);
          assert.ok(isWhole ? bytes === 16 * MIB : bytes < 16 * MIB, `${what}: ${bytes}`);
        }
      },
    },
    ...streamedLinks,
    {
      name: "what is no file is refused at once: pipes, sockets, devices, directories, files of the kernel",
      async run(scene) {
        const { files } = scene.sandbox;
        await scene.run(
          "mkfifo pipe; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"socket\")'",
        );
        for (const path of [
          "pipe",
          "socket",
          "/dev/zero",
          "/dev/tty",
          "/workspace",
          "/proc/kmsg",
          "/proc/1/mem",
        ])
          assert.match(await refusal(files.read(path)), /^FILE_/, path);
        for (const path of ["pipe", "/dev/null", "/proc/sys/kernel/core_pattern", "/proc/1/oom_score_adj"])
          assert.match(await refusal(files.write(path, "evil")), /^FILE_/, path);
      },
    },
    {
      name: "names with line breaks, escapes, markup and bytes that are no text are listed as one name each",
      async run(scene) {
        const made = await scene.python(`
import json, os
os.mkdir("/workspace/names")
names = [b"a\\nb", b"\\x1b[2J", b"<script>", b"\\xff\\xfe", b"x" * 255, b"-rf", b"{\\"a\\":1}", b"%2e%2e", b" ", b"file\\t0"]
for name in names: open(b"/workspace/names/" + name, "w").close()
print(json.dumps(len(names)))`);
        const listed = await scene.sandbox.files.list("names");
        assert.equal(listed.length, made);
        for (const { type, name } of listed) assert.ok(type === "file" && !name.includes("/"));
        await scene.sandbox.files.remove("names", { recursive: true });
      },
    },
    {
      name: "a directory of tens of thousands of names is listed, or refused, and nothing waits for it",
      options: { diskMb: 256 },
      async run(scene) {
        await scene.python(
          "import json, os\nos.mkdir('many')\nfor n in range(20000): os.close(os.open('many/' + 'n' * 200 + str(n), os.O_CREAT))\nprint(0)",
        );
        const listing = scene.sandbox.files.list("many");
        await scene.host.neighbour.assertQuiet();
        assert.equal((await listing).length, 20_000);
      },
    },
    {
      name: "hard links to the agent's program and to what the host reads lead nowhere else",
      async run(scene) {
        await scene.run(
          "ln /run/sandglass/agent linked; ln /proc/1/exe exe; ln /etc/passwd passwd; echo evil >> passwd",
        );
        assert.equal((await scene.run("echo served")).stdout, "served\n");
        const { stdout } = await scene.host.neighbour.sandbox.commands.run("cat /etc/passwd");
        assert.ok(!stdout.includes("evil"));
      },
    },
    {
      name: "who answers in place of a file operation is not believed: sizes, types and names that are none",
      async run(scene) {
        const forged = [
          "b'1\\0file\\r\\nx-evil: 1\\0' + b'5\\0644\\0001.0\\0a\\0\\0'",
          "b'1\\0file\\0NaN\\0644\\0001.0\\0a\\0\\0'",
          "b'1\\0file\\0-5\\0644\\0001.0\\0a\\0\\0'",
          "b'1\\0' + b'\\0' * 40",
        ];
        for (const answer of forged) assert.equal(await forgeAnswer(scene, answer), "FILE_ERROR", answer);
        await scene.sandbox.files.write("honest", "x");
        assert.equal(await scene.sandbox.files.readText("honest"), "x");
      },
    },
    {
      name: "who floods in place of a file operation is cut, and who ends it is told so",
      async run(scene) {
        const upload = refusal(
          scene.sandbox.files.write(
            "upload",
            inPieces([Buffer.alloc(1000), Buffer.alloc(1000)], async () => {
              await scene.run("kill -9 -1");
            }),
          ),
        );
        assert.match(await upload, /^FILE_/);
      },
    },
  ],
};
