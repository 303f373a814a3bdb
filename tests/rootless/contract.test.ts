import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { givenGroup } from "./user-daemon.ts";

const ROOT = join(import.meta.dirname, "../..");
const USERS = { bubblewrap: 54_341, crun: 54_342, gvisor: 54_343 };

for (const [wall, uid] of Object.entries(USERS)) {
  test(`${wall} keeps the contract of drivers for an ordinary user with a control group`, async () => {
    const user = { uid, gid: uid };
    const group = givenGroup(`sg-contract-${wall}`, user);
    const home = await mkdtemp(join(tmpdir(), "sg-user-"));
    try {
      await chown(home, uid, uid);
      const [program = "", ...through] = group.through;
      const become = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
      const contract = join(ROOT, `packages/runtime/src/drivers/${wall}.test.ts`);
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const child = spawn(
        program,
        [...through, ...become, process.execPath, "--test", "--test-timeout=60000", contract],
        {
          cwd: ROOT,
          env: { ...env, HOME: home, TMPDIR: home },
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      let said = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
      const [code] = await once(child, "close");
      assert.equal(code, 0, said.slice(said.indexOf("failing tests")));
      const passed = Number(/^\S+ pass (\d+)$/m.exec(said)?.[1]);
      assert.ok(passed > 30, said.slice(-500));
    } finally {
      await rm(home, { recursive: true });
      await group.remove();
    }
  });
}
