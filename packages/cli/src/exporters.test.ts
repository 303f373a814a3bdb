import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { type CliResult, runCommand } from "./cli-process.ts";

const SECRET = `whsec_${Buffer.from("hunter2-hunter2-hunter2-hunter2-").toString("base64")}`;
/** Nothing listens there. */
const DEAD = { id: "dead", provider: "webhook", config: { url: "http://127.0.0.1:9/hook", secret: SECRET } };

let daemon: TestDaemon;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandglass-cli-"));
  daemon = await startDaemon({
    args: ["--pool", "python=0"],
    env: {
      SANDGLASS_SHUTDOWN_TIMEOUT_MS: "1000",
      SANDGLASS_OBSERVABILITY: JSON.stringify({
        provider: "jsonl",
        config: { filePath: join(folder, "events.jsonl") },
      }),
    },
  });
});
after(async () => {
  await daemon?.stop();
  await rm(folder, { recursive: true });
});

const sandglass = (args: string[], stdin?: string): Promise<CliResult> =>
  runCommand(["exporters", ...args], {
    env: { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey },
    ...(stdin !== undefined && { stdin }),
  });

test("the list shows what each has delivered, and is what `exporters` alone prints", async () => {
  assert.equal((await sandglass(["flush", "--timeout", "10s"])).code, 0);
  const { stdout, code } = await sandglass([]);
  assert.equal(code, 0);
  assert.match(stdout, /^EXPORTER +PROVIDER +STATE +DELIVERED +WAITING +DROPPED +LAG +LAST ERROR\n/);
  assert.match(stdout, /\njsonl +jsonl +running +[1-9]\d* +\d+ +0/);
  const [listed] = JSON.parse((await sandglass(["list", "--json"])).stdout);
  assert.deepEqual([listed.id, listed.origin, listed.counts.dropped], ["jsonl", "config", {}]);
});

test("one is added from stdin or a file, shown, tried again, replaced and removed, and its secret never printed", async () => {
  const file = join(folder, "dead.json");
  await writeFile(file, JSON.stringify(DEAD));
  const results = [await sandglass(["add", "--file", "-"], JSON.stringify(DEAD))];
  assert.deepEqual([results[0]?.code, results[0]?.stdout], [0, "dead\n"]);
  await until("it was tried", async () => {
    const exporter = JSON.parse((await sandglass(["show", "dead", "--json"])).stdout);
    return exporter.lastError !== undefined;
  });
  const shown = await sandglass(["show", "dead"]);
  assert.match(shown.stdout, /^exporter +dead\nprovider +webhook\ndestination +http:\/\/127\.0\.0\.1:9/);
  assert.match(shown.stdout, /\nlast error +\d+s ago: /);
  const listed = await sandglass(["list"]);
  assert.match(listed.stdout, /\ndead +webhook +(running|stalled) +0 +[1-9]/);
  const flushed = await sandglass(["flush", "dead", "--timeout", "100ms"]);
  assert.equal(flushed.code, 1);
  assert.match(flushed.stdout, /^0 delivered, 0 dropped, [1-9]\d* pending\n$/);
  results.push(shown, listed, flushed);
  results.push(await sandglass(["retry", "dead"]));
  results.push(await sandglass(["replace", "dead", "--file", file]));
  results.push(await sandglass(["rm", "dead", "--forget", "--json"]));
  results.push(await sandglass(["add", "--file", file, "--json"]), await sandglass(["rm", "dead"]));
  for (const { stdout, stderr, code } of results.slice(4)) assert.equal(code, 0, stdout + stderr);
  for (const { stdout, stderr } of results) assert.ok(!(stdout + stderr).includes(SECRET));
  assert.doesNotMatch((await sandglass([])).stdout, /dead/);
});

test("what cannot be is refused with what to do, and a file is never quoted", async () => {
  const broken = join(folder, "broken.json");
  await writeFile(broken, `{"secret": ${SECRET}`);
  const refused: [args: string[], code: number, words: RegExp][] = [
    [["add"], 2, /--file/],
    [["add", "--file", broken], 2, /not valid JSON/],
    [["add", "--file", join(folder, "nowhere.json")], 2, /--file cannot be read/],
    [["show", "nobody"], 1, /no exporter nobody/],
    [["rm", "jsonl"], 1, /part of the daemon's configuration[\s\S]*SIGHUP/],
    [["flush", "nobody"], 1, /no exporter nobody/],
    [["flush", "--timeout", "soon"], 2, /duration/],
    [["sho", "x"], 2, /too many arguments|unknown command/],
  ];
  for (const [args, code, words] of refused) {
    const result = await sandglass(args);
    assert.deepEqual([result.code, result.stdout], [code, ""], `${args.join(" ")}: ${result.stderr}`);
    assert.match(result.stderr, words);
    assert.ok(!result.stderr.includes(SECRET));
  }
  const typo = await sandglass(["add", "--file", "-"], '{"provider": "jsnl"}');
  assert.equal(typo.code, 2);
  assert.match(typo.stderr, /did you mean "jsonl"/);
});

test("what a destination refuses is listed with its reason, the latest first, also when its exporter is new", async () => {
  const hook = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(422).end("no such field"));
  }).listen(0, "127.0.0.1");
  await once(hook, "listening");
  const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
  const spec = { ...DEAD, id: "picky", config: { url, secret: SECRET }, startAt: "earliest" };
  await sandglass(["add", "--file", "-"], JSON.stringify(spec));
  assert.equal((await sandglass(["flush", "picky", "--timeout", "10s"])).code, 0);
  assert.equal((await sandglass(["rm", "picky"])).code, 0);
  await sandglass(["add", "--file", "-"], JSON.stringify(spec));
  const letters = JSON.parse((await sandglass(["dead-letters", "picky", "--json"])).stdout);
  assert.equal(letters.at(-1).event.type, "host.started");
  for (const { reason } of letters) assert.match(reason, /422: no such field/);
  const { stdout } = await sandglass(["dead-letters", "picky", "-n", "1"]);
  assert.match(stdout, /^AGE +WHAT +EVENT +SANDBOX +REASON\n\d+s +\S+ +evt_\S+ .*422: no such field$/m);
  assert.equal(stdout.trimEnd().split("\n").length, 2);
  const { code, stderr } = await sandglass(["dead-letters", "nobody"]);
  assert.deepEqual([code, /no exporter nobody/.test(stderr)], [1, true]);
  await sandglass(["rm", "picky", "--forget"]);
  hook.close();
});

test("events arrive in the file that the configuration names", async () => {
  await sandglass(["flush"]);
  const [first = ""] = (await readFile(join(folder, "events.jsonl"), "utf8")).split("\n");
  assert.equal(JSON.parse(first).type, "host.started");
});
