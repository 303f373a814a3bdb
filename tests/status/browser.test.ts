import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { callHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import type { Browser } from "playwright-core";
import { runCommand } from "../../packages/cli/src/cli-process.ts";
import { launchBrowser, seriousViolations } from "../console/console-page.ts";
import { MailServer } from "./mail-server.ts";
import { linkIn, STATUS_URL } from "./subscribing.ts";
import { readJson, watched } from "./watched-daemon.ts";

let daemon: TestDaemon;
let browser: Browser;
let directory: string;
let mail: MailServer;
let incidentId: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "sandglass-status-"));
  mail = await MailServer.start("status", "a-password");
  const options = watched({
    SANDGLASS_STATUS_URL: STATUS_URL,
    SANDGLASS_STATUS_SUBSCRIPTIONS_SMTP: `smtp://status:a-password@127.0.0.1:${mail.port}`,
    SANDGLASS_STATUS_SUBSCRIPTIONS_FROM: "status@acme.example",
  });
  [daemon, browser] = await Promise.all([startDaemon(options), launchBrowser()]);
  const json = {
    title: "Exports are late",
    message: "We are looking into it.",
    components: { store: "partial_outage" },
  };
  incidentId = (await callHttp(daemon, "POST /v1/incidents", { json })).json.id;
  await until("something was measured", async () => {
    const { components } = await readJson(daemon, "/v1/status");
    return components.every(({ uptime }: { uptime?: number }) => uptime !== undefined);
  });
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
  await mail?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

for (const [name, options] of Object.entries({
  light: { colorScheme: "light", viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 900 } },
  narrow: { colorScheme: "light", viewport: { width: 360, height: 800 } },
} as const)) {
  test(`the pages are whole without a script, asking for nothing but themselves, and axe finds nothing serious: ${name}`, async () => {
    // axe is run from outside the page, in a world of its own, which needs scripts to be possible.
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const troubles: string[] = [];
    page.on("console", (message) => void (message.type() === "error" && troubles.push(message.text())));
    page.on(
      "request",
      (request) => void (new URL(request.url()).origin !== daemon.url && troubles.push(request.url())),
    );
    // The other pages are of the same parts: once is enough.
    const others = name === "light" ? ["/status/history", `/status/incidents/${incidentId}`] : [];
    for (const path of ["/status", ...others]) {
      await page.goto(daemon.url + path);
      await page.getByText("Exports are late").first().waitFor();
      assert.equal(await page.locator("script").count(), 0);
      assert.deepEqual(await seriousViolations(page), [], path);
      assert.equal(await page.evaluate("document.documentElement.scrollWidth > innerWidth"), false, path);
    }
    assert.deepEqual(await context.cookies(), []);
    assert.deepEqual(troubles, []);
    await context.close();
  });
}

test("a browser without scripts subscribes, confirms by the mail's link, changes its mind and ends it, and is told in words what goes wrong", async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  const subscribe = async (address: string) => {
    await page.goto(`${daemon.url}/status/subscribe`);
    await page.getByLabel("E-mail address").fill(address);
    await page.getByRole("button", { name: "Subscribe" }).click();
  };
  await subscribe("ada@example.org");
  await page.getByRole("heading", { name: "Look into your mail" }).waitFor();
  const question = await until("the mail came", () => mail.mails[0]);
  assert.doesNotMatch(question.text, /is subscribed/);
  await page.goto(daemon.url + linkIn(question));
  await page.getByLabel("API").check();
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByText("You are subscribed.").waitFor();
  assert.equal(await page.getByLabel("API").isChecked(), true);
  await page.getByLabel("Store").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  assert.equal(await page.getByLabel("Store").isChecked(), true);
  await page.getByRole("button", { name: "Unsubscribe" }).click();
  await page.getByRole("heading", { name: "Unsubscribed" }).waitFor();

  await page.goto(`${daemon.url}/status/incidents/inc_none`);
  await page.getByRole("heading", { name: "There is no such page" }).waitFor();
  await page.getByRole("link", { name: "How it is now" }).click();
  await page.getByRole("link", { name: "Exports are late" }).click();
  await page.getByText("We are looking into it.").waitFor();
  await until("it is too often", async () => {
    await subscribe("eve@example.org");
    return (await page.getByRole("heading", { name: "That was too often" }).count()) > 0;
  });
  await page.getByText("Try again in").waitFor();
  await context.close();
});

test("the exported files are pages that find each other wherever they are", async () => {
  const env = { SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey };
  const { code, stderr } = await runCommand(["status", "export", directory], { env });
  assert.equal(code, 0, stderr);
  const page = await browser.newPage();
  await page.goto(pathToFileURL(join(directory, "index.html")).href);
  assert.equal(await page.getByRole("img", { name: /^API, last 90 days/ }).count(), 1);
  await page.getByRole("link", { name: "All incidents and maintenance" }).click();
  await page.getByRole("link", { name: "Exports are late" }).click();
  await page.getByText("We are looking into it.").waitFor();
  await page.getByRole("link", { name: "How it is now" }).click();
  await page.getByText("Partial System Outage").waitFor();
  await page.close();
});
