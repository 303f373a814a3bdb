import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { startCli } from "./cli-process.ts";

const KEY = "k".repeat(40);
const LOST = "sandglass: the connection to the daemon is lost: waiting for it\n";
const BACK = "sandglass: the daemon is back: events from where they broke off\n";

let dataDir: string;
after(() => rm(dataDir, { recursive: true, force: true }));

function start(port = "0"): Promise<TestDaemon> {
  return startDaemon({ dataDir, apiKeys: [KEY], args: ["--pool", "python=0", "--port", port] });
}

test("tail says that the daemon is gone and that it is back, and what happened meanwhile is not lost", async () => {
  dataDir = await mkdtemp(join(tmpdir(), "sandglass-tail-"));
  await using first = await start();
  const env = { SANDGLASS_URL: first.url, SANDGLASS_API_KEY: KEY };
  const tail = startCli(["tail", "--since-start", "--types", "host.started", "--json"], { env });
  let [stdout, stderr] = ["", ""];
  tail.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  tail.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const starts = (): number => stdout.split("\n").length - 1;
  await until("the first start is shown", () => starts() === 1);
  assert.equal(stderr, "");

  await first.kill();
  await until("the loss is said", () => stderr === LOST);
  await using _second = await start(new URL(first.url).port);
  await until("the return is said", () => stderr === LOST + BACK);
  await until("the second start is shown", () => starts() === 2);

  tail.kill("SIGINT");
  assert.deepEqual(await once(tail, "close"), [130, null]);
  assert.equal(stderr, LOST + BACK);
});
