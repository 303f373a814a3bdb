import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startDaemon } from "@sandglass/testkit";
import { Client } from "sandglass";

const root = join(import.meta.dirname, "../..");

/** What the page says of a program of the reader's own. */
const AROUND = `
const [query, code, args, block] = ["words", "print(1)", {}, { id: "toolu_1" }];
const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const search = async () => ({ hits: [] });`;

test("the page about runs has code that runs, and its runs are in the record", async () => {
  await using daemon = await startDaemon();
  const page = await readFile(join(root, "docs/runs.md"), "utf8");
  const [first = "", ...others] = [...page.matchAll(/^```ts\n(.+?)^```$/gms)].map(([, code = ""]) => code);
  assert.equal(others.length, 3);
  const rest = `await client.run({ name: "the rest" }, async (run) => {
    await using sandbox = await run.sandboxes.create();
    ${others.join("\n")}
  });`;
  const env = { ...process.env, SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey };
  const script = [first, AROUND, rest].join("\n");
  const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module"];
  const { stderr } = await promisify(execFile)("node", [...flags, "-e", script], { cwd: root, env });
  assert.equal(stderr, "");
  const client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  const { items } = await client.runs.list();
  await client.close();
  assert.deepEqual(
    items.map(({ name, status, toolCalls, toolErrors }) => [name, status, toolCalls, toolErrors]),
    [
      ["the rest", "ok", 3, 1],
      ["quarterly report", "ok", 1, 0],
    ],
  );
});
