import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { callHttp, type TestDaemon, until } from "@sandglass/testkit";
import type { Browser, Page } from "playwright-core";
import { keepScreenshot, openView, seriousViolations, signedInPage, startConsole } from "./console-page.ts";

let daemon: TestDaemon;
let browser: Browser;
let page: Page;
/** A destination that takes nothing for its content, until it is told to. */
let hook: Server;
let refuses = true;
before(async () => {
  hook = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(refuses ? 422 : 200).end("<b>no such field</b>"));
  }).listen(0, "127.0.0.1");
  await once(hook, "listening");
  ({ daemon, browser } = await startConsole({
    args: ["--pool", "python=0", "--no-status-canary-enabled"],
    env: { SANDGLASS_STATUS_ENABLED: "true", SANDGLASS_SHUTDOWN_TIMEOUT_MS: "500" },
  }));
  ({ page } = await signedInPage(browser, daemon));
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
  hook?.close();
});

/** Adds one, and waits until what there was is dealt with. */
async function addExporter(id: string, port: number): Promise<void> {
  const config = { url: `http://127.0.0.1:${port}/`, secret: `whsec_${"A".repeat(32)}` };
  const spec = { id, provider: "webhook", config, startAt: "earliest" };
  assert.equal((await callHttp(daemon, "POST /v1/exporters", { json: spec })).status, 201);
}

test("what a destination refuses is listed with its reason, the rest of the event behind it", async () => {
  await addExporter("picky", (hook.address() as AddressInfo).port);
  await callHttp(daemon, "POST /v1/exporters/flush", { json: { ids: ["picky"] } });
  refuses = false;
  await openView(page, daemon, "/exporters");
  const row = page.locator("tbody tr", { hasText: "picky" });
  await row.getByRole("link", { name: /^[1-9]\d*$/ }).click();
  const letters = page.getByLabel("Dead letters");
  const first = letters.locator("tbody tr", { hasText: "host.started" });
  await first.getByText(/answered 422: <b>no such field<\/b>/).waitFor();
  await first.locator("summary").click();
  await first.getByText('"type": "host.started"').waitFor();
  assert.deepEqual(await seriousViolations(page), []);
  await keepScreenshot(page, "exporter");
});

test("an exporter that waits for its next try is told to try now", async (context) => {
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await addExporter("away", port);
  await openView(page, daemon, "/exporters/away");
  await page.getByText(/the connection was refused/).waitFor();
  const back = createServer((request, response) => {
    request.resume().on("end", () => response.end());
  }).listen(port, "127.0.0.1");
  context.after(() => back.close());
  await once(back, "listening");
  await page.getByRole("button", { name: "Retry now" }).click();
  await until("it has delivered", async () => {
    const { json } = await callHttp(daemon, "GET /v1/exporters/away");
    return json.counts.delivered > 0;
  });
  await callHttp(daemon, "DELETE /v1/exporters/away");
});

test("an incident is opened, updated and resolved by hand, and everybody reads it", async () => {
  await openView(page, daemon, "/status");
  await page.getByText("Open an incident").click();
  await page.getByLabel("Title").first().fill("Slow starts");
  await page.getByLabel("What people read").first().fill("We are looking.");
  await page.getByRole("combobox", { name: "API" }).selectOption("degraded_performance");
  assert.deepEqual(await seriousViolations(page), []);
  await page.getByRole("button", { name: "Open the incident" }).click();
  await page.getByRole("heading", { level: 1, name: /^Slow starts/ }).waitFor();
  await page.getByLabel("What people read").fill("A full disk.\n\nIt is being cleared.");
  await page.getByLabel("Status").selectOption("identified");
  await page.getByRole("button", { name: "Publish the update" }).click();
  await page.getByText("It is being cleared.").waitFor();
  assert.deepEqual(await seriousViolations(page), []);
  await keepScreenshot(page, "incident");
  const { text } = await callHttp(daemon, "GET /status", { apiKey: "" });
  assert.match(text, /Slow starts[\s\S]*A full disk\./);
  await page.getByLabel("What people read").fill("There is room again.");
  await page.getByLabel("Status").selectOption("resolved");
  await page.getByRole("button", { name: "Publish the update" }).click();
  await page.getByText("Resolved", { exact: true }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Publish the update" }).count(), 0);
  const { json } = await callHttp(daemon, "GET /v1/incidents");
  const [{ status, impact, components, updates }] = json.items;
  assert.deepEqual([status, impact, components], ["resolved", "minor", { api: "degraded_performance" }]);
  assert.equal(updates.length, 3);
});

test("maintenance is scheduled and cancelled, and one without a component is refused before it is sent", async () => {
  page.removeAllListeners("dialog");
  page.on("dialog", (dialog) => void dialog.accept());
  await openView(page, daemon, "/status");
  await page.getByText("Schedule maintenance").click();
  const form = page.locator("form", { has: page.getByRole("button", { name: "Schedule it" }) });
  await form.getByLabel("Title").fill("Kernel upgrade");
  await form.getByLabel("What people read").fill("The host restarts.");
  await form.getByLabel("From").fill("2099-01-31T22:00");
  await form.getByLabel("to", { exact: true }).fill("2099-01-31T23:30");
  await form.getByRole("button", { name: "Schedule it" }).click();
  await page.getByRole("alert").getByText("choose at least one component").waitFor();
  await form.getByLabel("API").check();
  await form.getByRole("button", { name: "Schedule it" }).click();
  const row = page.locator("tbody tr", { hasText: "Kernel upgrade" });
  await row.getByText("scheduled").waitFor();
  await keepScreenshot(page, "status");
  await row.getByRole("button", { name: "Cancel" }).click();
  await row.getByText("cancelled").waitFor();
  const [{ startsAt, endsAt, components }] = (await callHttp(daemon, "GET /v1/maintenances")).json.items;
  assert.deepEqual([Date.parse(endsAt) - Date.parse(startsAt), components], [5_400_000, ["api"]]);
});

test("a key that does not administer the service reads its status and is offered nothing to write", async () => {
  const keys = [
    { name: "viewer", scopes: ["sandboxes:read", "events:read"] },
    { name: "other", scopes: ["admin"], orgId: "acme" },
  ];
  for (const key of keys) {
    const { json } = await callHttp(daemon, "POST /v1/keys", { json: key });
    const { page: own } = await signedInPage(browser, daemon, json.key);
    await openView(own, daemon, "/status");
    await own.getByText("Slow starts").waitFor();
    await own.getByText("takes an administrator's key of the operator").waitFor();
    assert.equal(await own.getByText(/^(Open an incident|Schedule maintenance)$/).count(), 0, key.name);
    await own.getByRole("link", { name: "Slow starts" }).click();
    await own.getByText("It is being cleared.").waitFor();
    await own.context().close();
  }
});
