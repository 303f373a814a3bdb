import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, type TestDaemon } from "@sandglass/testkit";
import type { Browser, Page } from "playwright-core";
import { Client } from "sandglass";
import { openView, seriousViolations, signedInPage, startConsole } from "./console-page.ts";

let daemon: TestDaemon;
let client: Client;
let browser: Browser;
let page: Page;
let troubles: { readonly list: string[] };
let ids: { sandbox: string; run: string; trace: string };

before(async () => {
  ({ daemon, browser } = await startConsole());
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  ids = await client.run({ name: "story of a run" }, async (run) => {
    const sandbox = await client.sandboxes.create({ runId: run.runId, metadata: { team: "search" } });
    await sandbox.runCode(
      'import sys\nprint("\\033[31mred\\033[0m out")\nprint("warned", file=sys.stderr)\n6 * 7',
    );
    const { traceId } = await sandbox.runCode("raise ValueError('on purpose')");
    return { sandbox: sandbox.id, run: run.runId, trace: traceId };
  });
  ({ page, troubles } = await signedInPage(browser, daemon));
});
after(async () => {
  await browser?.close();
  await client?.close();
  await daemon?.stop();
});

test("every view shows what was recorded, in both themes and on a narrow screen, and axe finds nothing serious", async () => {
  const views: [path: string, shown: string][] = [
    ["/", "exit code"],
    ["/sandboxes", ids.sandbox],
    [`/sandboxes/${ids.sandbox}`, "on purpose"],
    [`/sandboxes/${ids.sandbox}?tab=events`, "exec.completed"],
    ["/runs", "story of a run"],
    [`/runs/${encodeURIComponent(ids.run)}`, "the run ends"],
    ["/traces", "http_request"],
    [`/traces/${ids.trace}`, "sandbox.execute"],
    ["/logs", "No log records here"],
    ["/events", "sandbox.created"],
    ["/metrics", "sandglass.exec.duration"],
    ["/exporters", "Events stay on this machine"],
    ["/settings", "Make a key"],
  ];
  for (const [path, shown] of views) {
    await openView(page, daemon, path);
    await page.getByRole("main").getByText(shown).first().waitFor();
    assert.deepEqual(await seriousViolations(page), [], path);
  }
  await page.getByLabel("Theme").selectOption("dark");
  const looked = new Set(["/", `/sandboxes/${ids.sandbox}`, `/traces/${ids.trace}`]);
  for (const [path, shown] of views.filter(([each]) => looked.has(each))) {
    await openView(page, daemon, path);
    await page.getByRole("main").getByText(shown).first().waitFor();
    assert.deepEqual(await seriousViolations(page), [], `${path}, dark`);
  }
  await page.setViewportSize({ width: 400, height: 800 });
  await openView(page, daemon, "/sandboxes");
  assert.deepEqual(await seriousViolations(page), [], "narrow");
  const tooWide = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
  assert.equal(tooWide, false);
  for (const path of ["/settings", "/"]) {
    await openView(page, daemon, path);
    const { x, width } = (await page.locator(".views [aria-current]").boundingBox()) ?? { x: -1, width: 0 };
    assert.ok(x >= 0 && x + width <= 400, `${path} is not in sight among the views: ${x}, ${width}`);
  }
  await page.setViewportSize({ width: 1280, height: 860 });
  assert.deepEqual(troubles.list, []);
});

test("output is shown as it streams, colours as colours, stdout and stderr apart, and can be searched", async () => {
  await openView(page, daemon, `/sandboxes/${ids.sandbox}`);
  await page
    .getByLabel("Run a cell")
    .fill(
      'import os, time\nprint("\\033[32mfirst\\033[0m", flush=True)\nwhile not os.path.exists("go"): time.sleep(0.02)\nprint("second")',
    );
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const output = page.getByLabel("Output", { exact: true });
  await output.locator(".ansi-fg-2", { hasText: "first" }).waitFor();
  assert.equal(await output.getByText("second").count(), 0);
  await callHttp(daemon, `PUT /v1/sandboxes/${ids.sandbox}/files/go`, { body: "" });
  await output.getByText("second").waitFor();
  await page.getByLabel("Search the output").fill("SEC");
  await page.getByText("1 line · exited, code 0").waitFor();
  assert.equal(await output.getByText("first").count(), 0);
});

test("a sandbox is paused, resumed and terminated, and its page says how it ended", async () => {
  const sandbox = await client.sandboxes.create();
  const { page: own } = await signedInPage(browser, daemon);
  own.removeAllListeners("dialog");
  own.on("dialog", (dialog) => void dialog.accept());
  await openView(own, daemon, `/sandboxes/${sandbox.id}`);
  await own.getByRole("button", { name: "Pause", exact: true }).click();
  await own.getByRole("button", { name: "Resume", exact: true }).click();
  await own.getByRole("button", { name: "Pause", exact: true }).waitFor();
  await own.getByRole("button", { name: "Terminate" }).click();
  await own.getByText("Ended by").waitFor();
  await own.getByRole("tab", { name: "Events" }).click();
  await own.getByText("sandbox.terminated").waitFor();
  await own.context().close();
});

test("a key that may only look sees no actions, and errors come with their hint and request id", async () => {
  const { json } = await callHttp(daemon, "POST /v1/keys", {
    json: { name: "viewer", scopes: ["sandboxes:read", "events:read"] },
  });
  const { page: own } = await signedInPage(browser, daemon, json.key);
  await openView(own, daemon, `/sandboxes/${ids.sandbox}`);
  await own.getByText("Your key may look, not act").waitFor();
  assert.equal(await own.getByRole("button", { name: "Terminate" }).count(), 0);
  await openView(own, daemon, "/exporters");
  const alert = own.getByRole("alert");
  await alert.getByText("FORBIDDEN").waitFor();
  assert.match(await alert.innerText(), /sandglass keys create[\s\S]*request req_/);
  await own.context().close();
});

test("the keyboard alone goes everywhere", async () => {
  await openView(page, daemon, "/");
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.getByRole("heading", { level: 1, name: "Sandboxes" }).waitFor();
  await page.getByRole("link", { name: ids.sandbox }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("search");
  await page.waitForURL(/q=search/);
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(ids.sandbox));
  await page.keyboard.press("?");
  await page.getByRole("heading", { name: "Keys" }).waitFor();
  assert.deepEqual(await seriousViolations(page), []);
});

test("live events arrive while code runs, stop where they are paused, and go on", async () => {
  await openView(page, daemon, "/events?types=sandbox.created,sandbox.terminated");
  const status = page.getByRole("status").filter({ hasText: "events" });
  await status.getByText(/^[1-9]/).waitFor();
  const before = Number.parseInt(await status.innerText(), 10);
  await (await client.sandboxes.create()).terminate();
  await status.getByText(`${before + 2} events`).waitFor();
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await status.getByText("paused").waitFor();
  await (await client.sandboxes.create()).terminate();
  await page.getByRole("button", { name: "Go on" }).click();
  await status.getByText(`${before + 4} events`).waitFor();
});

test("a span's attribute leads to the traces that have it", async () => {
  await openView(page, daemon, `/traces/${ids.trace}`);
  await page
    .getByRole("button", { name: /^sandbox\.execute, / })
    .first()
    .click();
  const row = page.getByLabel("Span", { exact: true }).locator("div", { hasText: /^process\.exit\.code/ });
  await row.getByRole("link", { name: "Filter by" }).click();
  await page.waitForURL(/attribute=process\.exit\.code%3D/);
  await page.locator("tbody tr").first().waitFor();
});
