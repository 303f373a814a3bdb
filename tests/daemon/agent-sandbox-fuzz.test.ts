import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp } from "@sandglass/testkit";
import { arbitraryCall, LONG } from "./agent-sandbox-calls.ts";
import { expectSane } from "./expect-sane.ts";
import { seededFuzzing } from "./fuzz-seed.ts";
import { type FuzzTarget, SECRET, startFuzzTarget } from "./fuzz-target.ts";
import { sendRaw } from "./raw-request.ts";

const RUNS = 1_000;

let target: FuzzTarget;
let url: string;
before(async () => {
  target = await startFuzzTarget(["--agent-sandbox-listen", "--agent-sandbox-port", "0"]);
  url =
    /agent_sandbox=(http:\/\/[^\s"]+)/.exec(target.daemon.logs())?.[1] ?? assert.fail(target.daemon.logs());
});
after(() => target[Symbol.asyncDispose]());

test("whatever is sent to the port of the agent-sandbox API, it is served, or refused by an error of the catalogue", async (t) => {
  const { random, runs } = seededFuzzing(t, RUNS);
  const { host } = new URL(url);
  const mine = await target.ownSandbox();
  const { badKeys, scoped, attacker, victim, daemon } = target;
  const keys: Record<string, string> = { ...(badKeys as Record<string, string>), ...scoped, attacker };
  const sandboxes = [
    ...Array.from({ length: 14 }, () => mine),
    ...["fuzzed", victim.sandboxId, `sbx_${"0".repeat(26)}`],
    ...["", "-", "a/b", "\u00ff", "__proto__", LONG, "sbx_", "a\tb"],
  ];
  await execute(mine, "mkfifo pipe; ln -s loop loop; ln -s /dev/zero endless; mkdir d; echo a >a.txt");
  const statuses = new Map<number, number>();
  const served = new Set<string | undefined>();
  for (let run = 0; run < runs; run++) {
    const name = random.int(3) > 0 ? "attacker" : random.pick(Object.keys(keys));
    const { line, headers: own, body } = arbitraryCall(random, host);
    const sandbox = random.pick(sandboxes);
    const headers = [...own, `x-sandbox-id: ${sandbox}`];
    if (random.int(4) === 0)
      headers.push(`x-sandbox-namespace: ${random.pick(["default", "", "../x", "\u00ff", LONG])}`);
    if (random.int(6) === 0)
      headers.push(`x-sandbox-port: ${random.pick(["8888", "", "22", "-1", "8888, 8888", LONG])}`);
    const key = keys[name] ?? "";
    if (key !== "") headers.push(`authorization: Bearer ${key}`);
    // The body is all there, so that nobody waits for more of it.
    if (body === "" && headers.includes("transfer-encoding: chunked")) headers.push("content-length: 0");
    const what = `run ${run}, ${name}: ${line.slice(0, 200)} ${headers.join(" | ").slice(0, 400)} ${body.slice(0, 200)}`;
    const answer = await sendRaw(url, { line, headers, body });
    const method = line.split(" ")[0] ?? "";
    if (answer === undefined) {
      assert.equal(method, "CONNECT", what);
      continue;
    }
    expectSane(answer, method, what, { secrets: [SECRET, daemon.dataDir] });
    const { status } = answer;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status === 200) served.add(/^\w+ \/(\w*)/.exec(line)?.[1]);
    const isOpen = /^GET (?:\/|http:..[^/?]*\/?)(?:healthz)?(?:\?|$)/i.test(line);
    const isClosed = name in badKeys || name === "sandboxes:read" || name === "events:read";
    if (!isOpen && (isClosed || sandbox === victim.sandboxId))
      assert.ok(status >= 400, `${what} -> ${status}`);
  }
  t.diagnostic([...statuses].map(([status, times]) => `${times} times ${status}`).join(", "));
  for (const status of [200, 400, 401, 403, 404, 405, 415]) assert.ok(statuses.has(status), `no ${status}`);
  for (const call of ["execute", "upload", "download", "list", "exists", "healthz"])
    assert.ok(served.has(call), `${call} is never served`);

  assert.ok(await target.isUnharmed());
  assert.deepEqual(daemon.logs().match(/request req_\w+ failed.{0,400}/g), null);
  assert.equal(await execute(mine, "echo well"), "well\n");
});

async function execute(sandboxId: string, command: string): Promise<string> {
  const call = { apiKey: target.attacker, headers: { "x-sandbox-id": sandboxId }, json: { command } };
  return (await callHttp({ ...target.daemon, url }, "POST /execute", call)).json.stdout;
}
