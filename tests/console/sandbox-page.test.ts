import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, type TestDaemon, until } from "@sandglass/testkit";
import type { Browser, Page } from "playwright-core";
import { Client, type Sandbox } from "sandglass";
import { keepScreenshot, openView, seriousViolations, signedInPage, startConsole } from "./console-page.ts";

let daemon: TestDaemon;
let client: Client;
let browser: Browser;
let page: Page;
let sandbox: Sandbox;
let execId: string;

before(async () => {
  ({ daemon, browser } = await startConsole());
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  sandbox = await client.sandboxes.create({ network: { egress: { allow: ["allowed.test"] } } });
  ({ execId } = await sandbox.runCode(
    'import time\nprint("first", flush=True)\nprint("half", end="", flush=True)\ntime.sleep(0.5)\nprint(" whole")\n"the value"',
  ));
  await sandbox.runCode(
    'import urllib.request\ntry: urllib.request.urlopen("http://forbidden.test/")\nexcept Exception as error: print(error)',
  );
  await callHttp(daemon, `PUT /v1/sandboxes/${sandbox.id}/files/notes.md`, { body: "# notes" });
  ({ page } = await signedInPage(browser, daemon));
});
after(async () => {
  await browser?.close();
  await client?.close();
  await daemon?.stop();
});

/** Milliseconds behind the exec's start, just before it wrote this. */
async function momentBefore(text: string): Promise<number> {
  const path = `/v1/sandboxes/${sandbox.id}/execs/${execId}`;
  const { json } = await callHttp(daemon, `GET ${path}`);
  const { text: lines } = await callHttp(daemon, `GET ${path}/stream`);
  const line = lines.split("\n").find((each) => each.includes(text)) ?? "{}";
  return (JSON.parse(line) as { ts: number }).ts - Date.parse(json.startedAt) - 20;
}

test("a replay stands at the moment of its address, is scrubbed by keyboard, and plays to the end", async () => {
  const moment = await momentBefore(" whole");
  await openView(page, daemon, `/sandboxes/${sandbox.id}?exec=${execId}&replay=${moment}`);
  const output = page.getByLabel("Output", { exact: true });
  const time = page.getByLabel("Time in the replay");
  await output.getByText("half", { exact: true }).waitFor();
  assert.equal(await output.getByText("whole").count(), 0);
  await keepScreenshot(page, "sandbox-replay");
  await time.press("End");
  await output.getByText("the value").waitFor();
  await output.focus();
  await output.press("Home");
  await until("it is drawn", () => page.evaluate<boolean>("document.querySelectorAll('.line').length === 0"));
  await page.waitForURL(/replay=0/);
  await page.getByLabel("Speed").selectOption("max");
  await output.press(" ");
  await output.getByText("half whole").waitFor();
  await output.getByText("the value").waitFor();
  await page.getByRole("button", { name: "Play again" }).waitFor();
  assert.deepEqual(await seriousViolations(page), []);
  await page.getByRole("button", { name: "Leave replay" }).click();
  assert.equal(await page.getByLabel("Replay", { exact: true }).count(), 0);
});

test("execs stand on a timeline above what was used, and lead to their output", async () => {
  await openView(page, daemon, `/sandboxes/${sandbox.id}`);
  const lane = page.getByLabel("Execs over time");
  await lane.getByRole("button").nth(1).waitFor();
  assert.equal(await lane.getByRole("button").count(), 2);
  await page.getByRole("img", { name: /^Memory: highest [1-9]/ }).waitFor();
  await lane.getByRole("button", { name: /first/ }).click();
  await page.waitForURL(new RegExp(`exec=${execId}`));
  await keepScreenshot(page, "sandbox");
});

test("what it tried to reach and what was written to it have tables of their own, by keyboard too", async () => {
  await openView(page, daemon, `/sandboxes/${sandbox.id}?tab=network`);
  const row = page.getByRole("row", { name: /forbidden\.test:80 denied/ });
  await row.getByRole("link").waitFor();
  assert.deepEqual(await seriousViolations(page), []);
  await page.getByRole("tab", { name: "Network" }).press("ArrowLeft");
  await page.waitForURL(/tab=files/);
  await page.getByRole("row", { name: /notes\.md created 7 B/ }).waitFor();
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  assert.equal((await saved).suggestedFilename(), "notes.md");
});
