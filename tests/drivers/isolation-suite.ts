import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import type { Isolation } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import {
  agentPid,
  callContext,
  finished,
  noTraces,
  run,
  startRuntime,
  type TestRuntime,
  until,
} from "@sandglass/testkit";
import { ServingCollector } from "../runtime/serving-collector.ts";

const context = callContext();

/** What users do with sandboxes, behind a wall that is not the default one. */
export function isolationSuite(isolation: Isolation): void {
  const hasGuestKernel = isolation === "gvisor";

  describe(`sandboxes behind ${isolation}`, () => {
    const collector = new ServingCollector();
    let host: TestRuntime;
    let sandbox: SandboxHandle;
    before(async () => {
      host = await startRuntime({
        isolation,
        collector,
        templates: { python: { poolSize: 1 } },
        defaults: { memoryMb: 256, diskMb: 32, idleTimeoutMs: 0 },
      });
      await host.runtime.ready();
      sandbox = await host.create({ template: "python", maxOutputBytes: 40_000_000 });
    });
    after(() => host.close());

    test("come from the pool, and say what they are", () => {
      const { isolation: told, unenforced, source } = sandbox.info();
      assert.deepEqual([told, source], [isolation, "pool"]);
      assert.deepEqual(unenforced, []);
      const [created] = host.events.ofType("sandbox.created", sandbox.id);
      assert.equal(created?.data.isolation, isolation);
    });

    test("run cells that remember, in each language", async () => {
      await run(sandbox, { code: "import threading\nx = 41" });
      assert.equal((await run(sandbox, { code: "x + 1" })).result, "42");
      await run(sandbox, { language: "bash", code: "y=7" });
      assert.equal((await run(sandbox, { language: "bash", code: "echo $y" })).stdout, "7\n");
      await run(sandbox, { language: "javascript", code: "var z = 5" });
      assert.equal((await run(sandbox, { language: "javascript", code: "z * 2" })).result, "10");
      const raised = await run(sandbox, { code: "1 / 0" });
      assert.deepEqual([raised.exit.cause, raised.exit.code], ["exited", 1]);
      assert.match(raised.stderr, /ZeroDivisionError/);
    });

    test("run commands with their input, environment, directory and code", async () => {
      const command = "pwd; cat; echo $A >&2; kill -TERM $$";
      const ran = await run(sandbox, { command, cwd: "/tmp", env: { A: "b" }, stdin: "in\n" });
      assert.deepEqual([ran.stdout, ran.stderr], ["/tmp\nin\n", "b\n"]);
      assert.deepEqual([ran.exit.cause, ran.exit.code, ran.exit.signal], ["killed", 143, "SIGTERM"]);
      assert.equal((await run(sandbox, { command: "exit 3" })).exit.code, 3);
      assert.equal((await run(sandbox, { argv: ["/no/such/program"] })).exit.code, 127);
    });

    test("give every byte of a long output, in order", async () => {
      const { stdout, exit } = await run(sandbox, { command: "seq -f %08.0f 0 1999999" });
      assert.equal(exit.cause, "exited");
      const expected = createHash("sha256");
      for (let i = 0; i < 2_000_000; i++) expected.update(`${String(i).padStart(8, "0")}\n`);
      assert.equal(createHash("sha256").update(stdout).digest("hex"), expected.digest("hex"));
    });

    test("take and give files, and keep them through a link, a move and a removal", async () => {
      const bytes = Buffer.alloc(3_000_000, "0123456789");
      await sandbox.files.write("dir/a.bin", [bytes] as never, context);
      await run(sandbox, { command: "ln -s dir/a.bin link && sha256sum link" });
      const pieces: Uint8Array[] = [];
      for await (const piece of (await sandbox.files.read("link", context)).content) pieces.push(piece);
      assert.ok(Buffer.concat(pieces).equals(bytes));
      await sandbox.files.move("dir/a.bin", "dir/b.bin", context);
      assert.deepEqual(
        (await sandbox.files.list("dir", context)).map(({ path, sizeBytes }) => [path, sizeBytes]),
        [["/workspace/dir/b.bin", bytes.length]],
      );
      await sandbox.files.remove("dir", context, { recursive: true });
      await assert.rejects(sandbox.files.stat("dir/b.bin", context), { code: "FILE_NOT_FOUND" });
    });

    test("stand still while paused, and go on where they were", async () => {
      const exec = await sandbox.exec(
        { command: "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done" },
        context,
      );
      await until("it counts", () => exec.info().stdoutBytes > 10);
      await sandbox.pause(context);
      await run(await host.create(), { command: "echo a moment has passed" });
      const before = exec.info().stdoutBytes;
      await run(await host.create(), { command: "echo and another" });
      assert.equal(exec.info().stdoutBytes, before);
      await sandbox.resume(context);
      await until("it counts on", () => exec.info().stdoutBytes > before);
      await exec.kill("SIGKILL", context);
      const { exit, stdout } = await finished(exec);
      assert.equal(exit.cause, "killed");
      const counted = stdout.trim().split("\n").map(Number);
      assert.deepEqual(
        counted,
        Array.from({ length: counted.length }, (_, at) => at + 1),
      );
    });

    test("end what takes too long, commands and cells, and live on", async () => {
      for (const request of [{ command: "sleep 1000" }, { code: "while True: pass" }]) {
        const { exit } = await run(sandbox, { ...request, timeoutMs: 300 });
        assert.equal(exit.cause, "timed_out");
      }
      assert.equal((await run(sandbox, { command: "echo on" })).stdout, "on\n");
    });

    test("name the limit that an exec met: output, disk and memory", async () => {
      const small = await host.create({ maxOutputBytes: 1000, diskMb: 16, memoryMb: 96 });
      assert.equal((await run(small, { command: "yes" })).exit.cause, "output_limit");
      const filled = await run(small, { command: "cat /dev/zero > fill" });
      assert.equal(filled.exit.cause, "disk_full");
      const greedy = await run(small, {
        argv: ["python3", "-c", "x = bytearray(400 << 20); x[:] = b'1' * len(x)"],
      });
      assert.deepEqual([greedy.exit.cause, greedy.exit.code], ["oom_killed", 137]);
      if (!hasGuestKernel) {
        assert.equal((await run(small, { command: "echo on" })).stdout, "on\n");
        return await small.terminate("user", context);
      }
      // The limit meets gVisor's kernel, and with it everything inside.
      const { data } = await host.events.next("sandbox.terminated", small.id);
      assert.equal(data.cause, "oom_killed");
      await noTraces(host.dataDir, small.id);
    });

    test("that fork without end harm nobody else, and can be ended", async () => {
      const bomb = await host.create({ maxPids: 40 });
      const exec = await bomb.exec({ command: "f() { f | f & }; echo in; f; sleep 1000" }, context);
      await until("it began", () => exec.info().stdoutBytes > 0);
      assert.equal((await run(sandbox, { command: "echo here" })).stdout, "here\n");
      await bomb.terminate("user", context);
      assert.equal(host.events.ofType("exec.completed", bomb.id).length, 1);
      await noTraces(host.dataDir, bomb.id);
    });

    test("count what an exec used", async () => {
      const { info } = await run(sandbox, {
        argv: ["python3", "-c", "x = 0\nfor i in range(3000000): x += i"],
      });
      assert.ok(info.cpuMs !== undefined && info.cpuMs > 30, `${info.cpuMs} ms`);
      assert.ok((info.maxRssBytes ?? 0) > 4 << 20);
    });

    test("reach the collector on both ports, as their owner, within the caller's trace", async () => {
      const owner = callContext({ orgId: "acme", baggage: "user=alice" });
      const acmes = await host.runtime.create({ template: "bash", runId: "run_a" }, owner);
      for (const port of [4318, 4317]) {
        // As SDKs do, with a time limit: gVisor of 2022 now and then answers a read that may block with EAGAIN.
        const code = `import urllib.request as r; print(r.urlopen("http://127.0.0.1:${port}/v1/traces", b"hi", 10).read().decode(), end="")`;
        assert.equal((await run(acmes, { argv: ["python3", "-c", code] }, owner)).stdout, "taken");
      }
      assert.deepEqual(
        collector.collected.get(acmes.id)?.map(({ port, body, owner: of }) => [port, body, of?.orgId]),
        [
          [4318, "hi", "acme"],
          [4317, "hi", "acme"],
        ],
      );
      const traced = await run(acmes, { command: "echo $TRACEPARENT $BAGGAGE" }, owner);
      assert.equal(traced.stdout, `00-${owner.traceId}-${traced.info.spanId}-01 user=alice\n`);
      await acmes.terminate("user", owner);
    });

    test("reach what their policy names and nothing else, through a tunnel or not, and every decision is told", async () => {
      const server = createServer((request, response) => response.end(`reached ${request.url}`));
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
      const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      try {
        const network = { egress: { allow: [at] } };
        const open = await host.runtime.create({ template: "bash", network }, context, { isTrusted: true });
        const curl = (more: string) =>
          run(open, { command: `curl -sS -m 60 --noproxy '' -x http://127.0.0.1:3128 ${more}` });
        const plain = await curl(`http://${at}/plain`);
        const tunnel = await curl(`-p http://${at}/tunnel`);
        const refused = await curl("-w '%{http_connect}' https://other.example/");
        assert.deepEqual([plain.stdout, tunnel.stdout], ["reached /plain", "reached /tunnel"], plain.stderr);
        assert.equal(refused.stdout, "403");
        await open.terminate("user", context);
        const told = host.events.of(open.id).filter(({ type }) => type.startsWith("network."));
        // A guest's kernel has its sockets to itself: whose they are is not known.
        const execOf = (ran: typeof plain) => (hasGuestKernel ? undefined : ran.exec.id);
        assert.deepEqual(
          told.map(({ type, data }) => {
            const { host: name, port, execId } = data as { host: string; port: number; execId?: string };
            return [type, `${name}:${port}`, execId];
          }),
          [
            ["network.egress", at, execOf(plain)],
            ["network.egress", at, execOf(tunnel)],
            ["network.denied", "other.example:443", execOf(refused)],
          ],
        );
      } finally {
        server.close();
      }
    });

    test("whose agent dies end with driver_error, and nothing of them is left", async () => {
      const dying = await host.create();
      const exec = await dying.exec({ command: "echo in; setsid sleep 1000 & sleep 1000" }, context);
      await until("it runs", () => exec.info().stdoutBytes > 0);
      process.kill(agentPid(dying.id), "SIGKILL");
      assert.equal((await finished(exec)).exit.cause, "driver_error");
      assert.equal((await host.events.next("sandbox.terminated", dying.id)).data.cause, "driver_error");
      await noTraces(host.dataDir, dying.id);
    });
  });
}
