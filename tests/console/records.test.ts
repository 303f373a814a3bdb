import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, type TestDaemon, until } from "@sandglass/testkit";
import type { Browser, Page } from "playwright-core";
import { Client } from "sandglass";
import { keepScreenshot, openView, seriousViolations, signedInPage, startConsole } from "./console-page.ts";

let daemon: TestDaemon;
let client: Client;
let browser: Browser;
let page: Page;
let runId: string;

before(async () => {
  ({ daemon, browser } = await startConsole());
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  await client.run({ name: "measured" }, async (run) => {
    runId = run.runId;
    const sandbox = await client.sandboxes.create({ runId });
    await sandbox.runCode("1");
    await sandbox.terminate();
  });
  ({ page } = await signedInPage(browser, daemon));
});
after(async () => {
  await browser?.close();
  await client?.close();
  await daemon?.stop();
});

async function sendLogs(service: string, bodies: readonly string[]): Promise<void> {
  const now = BigInt(Date.now()) * 1_000_000n;
  const logRecords = bodies.map((body, index) => ({
    timeUnixNano: String(now + BigInt(index) * 1_000_000n),
    severityNumber: 9,
    body: { stringValue: body },
    attributes: [{ key: "order", value: { intValue: index } }],
  }));
  const resource = { attributes: [{ key: "service.name", value: { stringValue: service } }] };
  const json = { resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] };
  assert.equal((await callHttp(daemon, "POST /otlp/v1/logs", { json })).status, 200);
}

test("log records arrive by themselves out of the log, stop where they are paused, and one is shown among its neighbours", async () => {
  await openView(page, daemon, "/logs?service=shop");
  await page.getByText("No log records here").waitFor();
  await page.getByText("following").waitFor();
  // The store is not asked for them.
  await page.route("**/v1/logs?*", (route) => route.abort());
  await sendLogs("shop", ["basket made", "payment refused", "basket given up"]);
  await page.getByText("payment refused").waitFor();
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await sendLogs("shop", ["a later one"]);
  await page.getByText("1 came since").waitFor();
  assert.equal(await page.getByText("a later one").count(), 0);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("a later one").waitFor();
  await page.unroute("**/v1/logs?*");
  await page.getByLabel("Text contains").fill("refused");
  await page.getByLabel("Text contains").press("Enter");
  await page.waitForURL(/text=refused/);
  await until("it is drawn", () =>
    page.evaluate<boolean>("document.querySelectorAll('tbody tr').length === 1"),
  );
  await page.getByRole("link", { name: "context" }).click();
  await page.waitForURL(/around=log_[0-9]+/);
  await page.getByText("basket given up").waitFor();
  await page.getByText("of service shop").waitFor();
  assert.equal(await page.locator(".marked").innerText(), "payment refused");
  await page.getByText("payment refused").click();
  await page.locator("dt:visible", { hasText: "order" }).waitFor();
  assert.deepEqual(await seriousViolations(page), []);
  await keepScreenshot(page, "logs-context");
  await page.getByRole("button", { name: "Leave the context" }).click();
  await page.getByText("1 shown").waitFor();
  assert.match(page.url(), /text=refused/);
});

test("logs and events are searched for words, the search stands in the address, and goes on over logs as they come", async () => {
  await sendLogs("bank", ["card 4711 was declined", "card accepted", "nothing of the kind"]);
  await openView(page, daemon, "/logs?service=bank");
  await page.getByText("card accepted").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("declin* card -9");
  await page.keyboard.press("Enter");
  await page.waitForURL(/search=declin\*\+card\+-9/);
  await page.getByText("1 shown").waitFor();
  await page.getByText("following").waitFor();
  await sendLogs("bank", ["card 9 declined", "another accepted", "the card of Ann: DECLINED"]);
  await page.getByText("the card of Ann: DECLINED").waitFor();
  await page.getByText("2 shown").waitFor();
  await keepScreenshot(page, "logs-search");
  await page.goto(`${daemon.url}/console/events?search=measured`);
  await page.getByText("2 events found").waitFor();
  await page.getByText("run.started").waitFor();
  await client.run({ name: "measured twice" }, async () => undefined);
  await until("the store has it", async () => {
    const { text } = await callHttp(daemon, "GET /v1/events?search=measured");
    return text.trim().split("\n").length === 4;
  });
  await page.getByRole("button", { name: "Search again" }).click();
  await page.getByText("4 events found").waitFor();
  assert.deepEqual(await seriousViolations(page), []);
  await keepScreenshot(page, "events-search");
});

test("more log records than a page can take are not passed over in silence, and are read from the store", async () => {
  await openView(page, daemon, "/logs?service=flood");
  await page.getByText("following").waitFor();
  await sendLogs(
    "flood",
    Array.from({ length: 600 }, (_, index) => `drop ${index}`),
  );
  await page.getByText("The last 500 that came are shown.").waitFor();
  assert.equal(await page.locator("tbody tr").count(), 500);
  await page.getByText("drop 599").waitFor();
  await until("the store has them", async () => {
    const { json } = await callHttp(daemon, "GET /v1/logs?service=flood&limit=1000");
    return json.items?.length === 600;
  });
  await page.getByRole("button", { name: "Read again" }).click();
  await page.getByText("300 shown, there are more").waitFor();
  assert.equal(await page.getByText("The last 500").count(), 0);

  await page.route("**/v1/logs/tail?*", (route) =>
    route.fulfill({ contentType: "application/x-ndjson", body: '{"type":"gap","missed":1234}\n' }),
  );
  await openView(page, daemon, "/logs?service=nobody");
  await page.getByText("1,234 came faster than this page could take them").waitFor();
  assert.deepEqual(await seriousViolations(page), []);
  await page.unroute("**/v1/logs/tail?*");
});

test("a list goes on page by page, and what is shown is what is saved", async () => {
  await sendLogs(
    "many",
    Array.from({ length: 310 }, (_, index) => `record ${index}`),
  );
  await until("the store has them", async () => {
    const { json } = await callHttp(daemon, "GET /v1/logs?service=many&limit=1000");
    return json.items?.length === 310;
  });
  await openView(page, daemon, "/logs?service=many&live=0");
  await page.getByText("300 shown, there are more").waitFor();
  await page.getByRole("button", { name: "More" }).click();
  await page.getByText("310 shown").waitFor();
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "CSV" }).click();
  const stream = await (await saved).createReadStream();
  const text = (await stream.toArray()).join("");
  assert.equal(text.split("\r\n").filter((line) => line.includes("record ")).length, 310);
});

test("a metric is drawn over time and told apart by an attribute, and its address says how", async () => {
  await openView(page, daemon, "/metrics?name=sandglass.exec.duration");
  await page.getByRole("img", { name: /^sandglass\.exec\.duration, p95: highest [0-9]/ }).waitFor();
  await page.getByLabel("Aggregation").selectOption("count");
  await page.getByLabel("Group by").selectOption("sandglass.template.id");
  await page.waitForURL(/aggregation=count&groupBy=sandglass\.template\.id/);
  await page.getByRole("row", { name: /^python [1-9]/ }).waitFor();
  assert.deepEqual(await seriousViolations(page), []);
  await page.getByRole("button", { name: "No longer by sandglass.template.id" }).click();
  await page.getByRole("row", { name: /^all [1-9]/ }).waitFor();
  await keepScreenshot(page, "metrics");
});

test("a key is made, its secret shown once, and rotated", async () => {
  const { page: own } = await signedInPage(browser, daemon);
  own.removeAllListeners("dialog");
  own.on("dialog", (dialog) => void dialog.accept());
  await openView(own, daemon, "/settings");
  await own.getByText("Make a key").click();
  await own.getByLabel("Name").fill("ci");
  await own.getByLabel("sandboxes:write").check();
  await own.getByRole("button", { name: "Make", exact: true }).click();
  const secret = own.getByLabel("New secret").locator("pre");
  const first = await secret.innerText();
  const { json } = await callHttp(daemon, "GET /v1/sandboxes", { apiKey: first });
  assert.ok(Array.isArray(json.items));
  await own.getByRole("row", { name: /^ci / }).getByRole("button", { name: "Rotate" }).click();
  await until("there is a new secret", async () => (await secret.innerText()) !== first);
  await own.getByRole("button", { name: "I have it" }).click();
  await own.reload();
  await own.getByRole("row", { name: /^ci / }).waitFor();
  assert.ok(!(await own.content()).includes(first));
  assert.deepEqual(await seriousViolations(own), []);
  await own.context().close();
});

test("what is kept of a run is deleted behind a question, and then it is gone", async () => {
  await openView(page, daemon, `/runs/${encodeURIComponent(runId)}`);
  await page.getByRole("heading", { level: 1, name: "measured" }).waitFor();
  await page.getByRole("button", { name: "Delete record" }).click();
  await page.getByRole("button", { name: "Keep it" }).click();
  assert.equal((await callHttp(daemon, `GET /v1/runs/${runId}`)).status, 200);
  await page.getByRole("button", { name: "Delete record" }).click();
  assert.deepEqual(await seriousViolations(page), []);
  await page.getByRole("button", { name: "Delete for good" }).click();
  await page
    .getByRole("status")
    .getByText(/^[1-9][0-9,]* events/)
    .waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("heading", { level: 1, name: "Runs" }).waitFor();
  assert.equal((await callHttp(daemon, `GET /v1/runs/${runId}`)).status, 404);
});
