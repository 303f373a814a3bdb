import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type EventType, SandglassError } from "@sandglass/protocol";
import {
  agentPid,
  callContext,
  finished,
  run,
  startRuntime,
  type TestRuntime,
  until,
} from "@sandglass/testkit";

const context = callContext();
const refused = { code: "LOG_UNAVAILABLE" };

describe("when the log takes no events", () => {
  let host: TestRuntime;
  before(async () => {
    host = await startRuntime();
  });
  after(() => host.close());

  /** Refuses these types (all where none is given) until the function it returns is called; counts what it refused. */
  function fill(...types: EventType[]): { room(): void; refusals: EventType[] } {
    const refusals: EventType[] = [];
    host.events.onEmit = (event) => {
      if (types.length > 0 && !types.includes(event.type)) return;
      refusals.push(event.type);
      throw new SandglassError("LOG_UNAVAILABLE", "the disk is full");
    };
    return {
      refusals,
      room: () => {
        host.events.onEmit = undefined;
      },
    };
  }

  test("no sandbox is made, and nothing of it stays", async () => {
    const log = fill();
    await assert.rejects(host.create(), refused);
    log.room();
    assert.deepEqual(host.runtime.list("default", { ended: true }), []);
    await until("it is cleared away", () => readdirSync(`${host.dataDir}/sandboxes`).length === 0);
  });

  test("no exec begins", async () => {
    const sandbox = await host.create();
    const log = fill();
    await assert.rejects(sandbox.exec({ command: "touch /tmp/ran" }, context), refused);
    await assert.rejects(sandbox.exec({ code: "touch /tmp/ran" }, context), refused);
    log.room();
    assert.equal((await run(sandbox, { command: "ls /tmp/ran" })).exit.code, 2);
    assert.equal(host.runtime.stats().runningExecs, 0);
    await sandbox.terminate("user", context);
  });

  test("an exec that runs waits with its ending until there is room; its last line comes only then", async () => {
    const sandbox = await host.create();
    const exec = await sandbox.exec({ command: "echo said" }, context);
    const log = fill();
    let isOver = false;
    const ran = finished(exec).then((all) => {
      isOver = true;
      return all;
    });
    await until(
      "its ending was refused twice",
      () => log.refusals.filter((type) => type === "exec.completed").length >= 2,
    );
    assert.equal(isOver, false);
    log.room();
    const { stdout, exit } = await ran;
    assert.deepEqual([stdout, exit.cause], ["said\n", "exited"]);
    assert.equal(host.events.ofExec(exec.id).filter(({ type }) => type === "exec.completed").length, 1);
    await sandbox.terminate("user", context);
  });

  test("a timeout ends its exec though it cannot be told, and the ending says that something is missing", async () => {
    const sandbox = await host.create();
    const log = fill("exec.timed_out");
    const { exit } = await run(sandbox, { command: "sleep 1000", timeoutMs: 100 });
    log.room();
    assert.equal(exit.cause, "timed_out");
    assert.match(exit.reason ?? "", /missing: the disk is full/);
    await sandbox.terminate("user", context);
  });

  test("an end waits until there is room, with the sandbox's processes gone", async () => {
    const sandbox = await host.create();
    const log = fill("sandbox.terminated");
    const ending = sandbox.terminate("user", context);
    await until("it was refused twice", () => log.refusals.length >= 2);
    assert.equal(sandbox.info().state, "terminating");
    await assert.rejects(sandbox.exec({ command: "true" }, context), { code: "SANDBOX_ENDED" });
    log.room();
    await ending;
    assert.equal(host.events.ofType("sandbox.terminated", sandbox.id).length, 1);
  });

  test("a crash while it is so still has its end", async () => {
    const sandbox = await host.create();
    const log = fill("sandbox.error", "exec.error");
    process.kill(agentPid(sandbox.id), "SIGKILL");
    assert.equal((await host.events.next("sandbox.terminated", sandbox.id)).data.cause, "driver_error");
    log.room();
  });
});
