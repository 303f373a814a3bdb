import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, type TestDaemon } from "@sandglass/testkit";
import type { Browser } from "playwright-core";
import { linkPath, openView, signedInPage, startConsole } from "./console-page.ts";

let daemon: TestDaemon;
let browser: Browser;
before(async () => {
  ({ daemon, browser } = await startConsole());
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
});

test("a daemon that does not start is said at once, with what it wrote, and no browser is left", async () => {
  const starting = startConsole({ args: ["--isolation", "nowhere"] });
  await assert.rejects(starting, /ended with \d+ before it was ready:[\s\S]*isolation/);
});

test("a link signs in, leaves no token in the address, and works for nobody else", async () => {
  const path = await linkPath(daemon);
  const token = path.split("#")[1] ?? "";
  const page = await browser.newPage();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(daemon.url + path);
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  assert.equal(page.url(), `${daemon.url}/console/`);
  assert.ok(
    asked.every((url) => !new URL(url).pathname.includes(token) && !new URL(url).search.includes(token)),
  );
  assert.equal(await page.evaluate("document.cookie"), "");
  await page.goBack();
  assert.ok(!page.url().includes(token));
  const other = await browser.newPage();
  await other.goto(daemon.url + path);
  await other.getByRole("alert").getByText("this link was used already").waitFor();
  await page.close();
  await other.close();
});

test("who is not signed in is told how, on every view", async () => {
  const page = await browser.newPage();
  for (const path of ["/", "/sandboxes", "/traces/0af7651916cd43dd8448eb211c80319c"]) {
    await openView(page, daemon, path);
    await page.getByText("sandglass console").waitFor();
  }
  await page.close();
});

test("signing out ends the session in every tab, and a reload does not bring it back", async () => {
  const { page } = await signedInPage(browser, daemon);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("sandglass console").waitFor();
  await page.reload();
  await page.getByText("sandglass console").waitFor();
  await page.context().close();
});

test("revoking the key ends the session while the page is open", async () => {
  const { json } = await callHttp(daemon, "POST /v1/keys", {
    json: { name: "short", scopes: ["sandboxes:read"] },
  });
  const { page } = await signedInPage(browser, daemon, json.key);
  await callHttp(daemon, `DELETE /v1/keys/${json.id}`);
  await page.getByText("sandglass console").waitFor();
  await page.context().close();
});

test("a page of another origin on the same host reaches nothing, though the browser sends it the cookie", async () => {
  const { page } = await signedInPage(browser, daemon);
  const { createServer } = await import("node:http");
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.cookie);
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>other</title>");
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as { port: number };
  const other = await page.context().newPage();
  await other.goto(`http://127.0.0.1:${port}/`);
  const reached = await other.evaluate(
    `fetch("${daemon.url}/v1/sandboxes", { credentials: "include", mode: "no-cors" }).then((r) => r.type + r.status)`,
  );
  assert.equal(reached, "opaque0");
  const cookie = seen.find((each) => each?.includes("sandglass_console")) ?? "";
  assert.notEqual(
    cookie,
    "",
    "the browser sends cookies to every port, which is what the page's own token is for",
  );
  const stolen = await callHttp(daemon, "GET /v1/sandboxes", { apiKey: "", headers: { cookie } });
  assert.equal(stolen.status, 401);
  server.close();
  await page.context().close();
});
