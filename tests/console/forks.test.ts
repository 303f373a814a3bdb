import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, type TestDaemon, until } from "@sandglass/testkit";
import type { Browser, Page } from "playwright-core";
import { Client, type Sandbox } from "sandglass";
import {
  keepScreenshot,
  openView,
  type PageTroubles,
  seriousViolations,
  signedInPage,
  startConsole,
} from "./console-page.ts";

/** A file's name that would be a tag, and turns the text behind it around. */
const HOSTILE = "<img src=x onerror=alert(1)>\u202etxt.exe";

let daemon: TestDaemon;
let client: Client;
let browser: Browser;
let page: Page;
let troubles: PageTroubles;
let runId: string;
let base: Sandbox;
let tried: Sandbox;
let deep: Sandbox;
let merged: Sandbox;
let ended: Sandbox;

before(async () => {
  ({ daemon, browser } = await startConsole({ args: ["--pool", "bash=0"] }));
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  const run = await client.run({ name: "several ways" });
  runId = run.runId;
  base = await run.sandboxes.create({ template: "bash" });
  await base.files.write("plan.txt", "one\ntwo\nthree\n");
  await base.files.write("big.txt", "x".repeat(300_000));
  await base.files.write("old.txt", "old\n");
  [merged, ended] = (await base.fork({ n: 2 })) as [Sandbox, Sandbox];
  await merged.files.write("answer.txt", "42\n");
  await base.merge(merged);
  await ended.files.write("dead-end.txt", "nothing\n");
  await ended.terminate();
  [tried] = (await base.fork()) as [Sandbox];
  await tried.files.write("plan.txt", "one\nzwei\nthree\n");
  await tried.files.write("big.txt", "y".repeat(300_000));
  await tried.files.write(HOSTILE, "harmless\n");
  await tried.files.write("raw.bin", Buffer.from([0, 1, 2]));
  await tried.files.remove("old.txt");
  [deep] = (await tried.fork()) as [Sandbox];
  ({ page, troubles } = await signedInPage(browser, daemon));
});
after(async () => {
  await browser?.close();
  await client?.close();
  await daemon?.stop();
});

const rowOf = (sandbox: Sandbox) =>
  page.locator("tbody tr", { has: page.locator(`td:first-child a[href$="${sandbox.id}"]`) });

test("a run's branches stand below their parents, with what each changed, how it ended, and which was merged where", async () => {
  await openView(page, daemon, `/runs/${encodeURIComponent(runId)}`);
  await page.getByRole("tab", { name: /^Forks ?4$/ }).click();
  await page.waitForURL(/tab=forks/);
  await rowOf(tried)
    .getByRole("button", { name: /\d+ added, \d+ modified, \d+ removed/ })
    .waitFor();
  const ids = await page.locator("tbody tr td:first-child code").allInnerTexts();
  assert.deepEqual(
    ids,
    [base, merged, ended, tried, deep].map(({ id }) => id),
  );
  const parents = await page.locator("tbody tr td:nth-child(2)").allInnerTexts();
  assert.deepEqual(
    parents,
    [undefined, base, base, base, tried].map((each) => (each === undefined ? "" : `…${each.id.slice(-8)}`)),
  );
  await rowOf(merged).getByText("merged", { exact: true }).waitFor();
  await rowOf(merged)
    .getByText(/^into …/)
    .waitFor();
  await rowOf(merged)
    .getByText(/[1-9] added, \d+ modified, 0 removed/)
    .waitFor();
  await rowOf(base)
    .getByText(`took over …${merged.id.slice(-8)}`)
    .waitFor();
  await rowOf(ended).getByText("user", { exact: true }).waitFor();
  await rowOf(deep).getByRole("button", { name: "0 added, 0 modified, 0 removed" }).waitFor();
  assert.deepEqual(await seriousViolations(page), []);
  await keepScreenshot(page, "run-forks");
});

test("of a branch that is there the paths are shown, and of a file the lines that differ; the address says which", async () => {
  await openView(page, daemon, `/runs/${encodeURIComponent(runId)}?tab=forks`);
  await rowOf(tried)
    .getByRole("button", { name: /removed$/ })
    .click();
  await page.waitForURL(new RegExp(`branch=${tried.id}`));
  const paths = page.getByLabel("Paths that differ");
  await paths.getByText("/workspace/plan.txt").click();
  await page.waitForURL(/file=%2Fworkspace%2Fplan\.txt/);
  const lines = page.getByLabel("Lines", { exact: true });
  await lines.getByText("zwei").waitFor();
  assert.deepEqual(
    (await lines.locator("code").allInnerTexts()).map((text) => text.replace(/^[\s\d]*/, "")),
    ["one", "- two", "+ zwei", "three"],
  );
  assert.deepEqual(await seriousViolations(page), []);
  await keepScreenshot(page, "run-fork-diff");

  await paths.getByText("/workspace/old.txt").click();
  await lines.getByText("old").waitFor();
  assert.match(await lines.innerText(), /- old/);
  await paths.getByText("/workspace/big.txt").click();
  await page.getByText("It is larger than 256 KiB.").waitFor();
  await paths.getByText("/workspace/raw.bin").click();
  await page.getByText("It is not text.").waitFor();
  await paths.getByText("onerror=alert(1)").click();
  await lines.getByText("+ harmless").waitFor();
  assert.match(await paths.innerText(), /onerror=alert\(1\)>⟨U\+202E⟩txt\.exe/);

  await page.goto(
    `${daemon.url}/console/runs/${encodeURIComponent(runId)}?tab=forks&branch=${tried.id}&file=%2Fworkspace%2Fplan.txt`,
  );
  await lines.getByText("zwei").waitFor();
  assert.deepEqual(troubles.list, []);
});

test("what changes meanwhile is there when it is compared again, and a branch that ends is told of by the record", async () => {
  await openView(page, daemon, `/runs/${encodeURIComponent(runId)}?tab=forks`);
  await rowOf(deep).getByRole("button", { name: "0 added, 0 modified, 0 removed" }).waitFor();
  await deep.files.write("late.txt", "late\n");
  await page.getByRole("button", { name: "Compare again" }).click();
  await rowOf(deep)
    .getByRole("button", { name: /^1 added, \d modified, 0 removed/ })
    .click();
  await page.getByLabel("Paths that differ").getByText("/workspace/late.txt").click();
  const lines = page.getByLabel("Lines", { exact: true });
  await lines.getByText("+ late").waitFor();
  await deep.files.write("late.txt", "later\n");
  await page.getByRole("button", { name: "Compare again" }).click();
  await lines.getByText("+ later").waitFor();
  await deep.terminate();
  await rowOf(deep).getByText("user", { exact: true }).waitFor();
  await rowOf(deep).getByRole("button", { name: "1 through the API" }).waitFor();
  await page.getByRole("row", { name: /late\.txt modified/ }).waitFor();
  await page.getByText("It can be compared no more.").waitFor();
  assert.deepEqual(await seriousViolations(page), []);
});

test("a sandbox's page leads to its parent and its forks, shows its changes, and forks it", async () => {
  await openView(page, daemon, `/sandboxes/${tried.id}`);
  const facts = page.locator("dl.facts").first();
  await facts.getByRole("link", { name: `…${base.id.slice(-8)}` }).waitFor();
  await facts.getByRole("link", { name: `…${deep.id.slice(-8)}` }).waitFor();
  await page.getByRole("tab", { name: "Changes" }).click();
  await page.getByLabel("Paths that differ").getByText("/workspace/plan.txt").click();
  await page.getByLabel("Lines", { exact: true }).getByText("zwei").waitFor();
  await page.getByLabel("How many forks").fill("33");
  assert.equal(await page.getByRole("button", { name: "Fork", exact: true }).isDisabled(), true);
  await page.getByLabel("How many forks").fill("2");
  await page.getByRole("button", { name: "Fork", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "made" }).getByRole("link").nth(1).waitFor();
  const { json } = await callHttp(daemon, "GET /v1/sandboxes");
  const made = json.items.filter(({ parentId }: { parentId?: string }) => parentId === tried.id);
  assert.equal(made.length, 2);
  for (const { id } of made) await facts.getByRole("link", { name: `…${id.slice(-8)}` }).waitFor();
  assert.deepEqual(await seriousViolations(page), []);
  await keepScreenshot(page, "sandbox-fork");

  await openView(page, daemon, `/sandboxes/${merged.id}`);
  await page.locator("dt", { hasText: "Merged into" }).waitFor();
  await page
    .locator("dl.facts")
    .first()
    .getByRole("link", { name: `…${base.id.slice(-8)}` })
    .nth(1)
    .click();
  await page.locator("dt", { hasText: "Took over" }).waitFor();
  assert.equal(await page.getByRole("tab", { name: "Changes" }).count(), 0);
});

test("a key that may only look sees the branches and what they changed, and is not offered to fork", async () => {
  const key = { name: "looks", scopes: ["sandboxes:read", "events:read"] };
  const { json } = await callHttp(daemon, "POST /v1/keys", { json: key });
  const { page: own } = await signedInPage(browser, daemon, json.key);
  await openView(own, daemon, `/runs/${encodeURIComponent(runId)}?tab=forks&branch=${tried.id}`);
  await own.getByLabel("Paths that differ").getByText("/workspace/plan.txt").waitFor();
  await openView(own, daemon, `/sandboxes/${tried.id}`);
  await own.getByText("Your key may look, not act").waitFor();
  assert.equal(await own.getByRole("button", { name: "Fork", exact: true }).count(), 0);
  await own.context().close();
});

test("a run without forks says so, and how to make one", async () => {
  const plain = await client.run({ name: "one way" }, async (run) => {
    await (await run.sandboxes.create({ template: "bash" })).terminate();
    return run.runId;
  });
  await until(
    "the store has it",
    async () => (await callHttp(daemon, `GET /v1/runs/${plain}`)).status === 200,
  );
  await openView(page, daemon, `/runs/${encodeURIComponent(plain)}?tab=forks`);
  await page.getByText("Nothing was forked in this run").waitFor();
  await page.getByText("sandglass fork sbx_… -n 3").waitFor();
});
