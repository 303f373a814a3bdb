import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { TestDaemon } from "@sandglass/testkit";
import type { Browser, Page } from "playwright-core";
import { Client, type Sandbox } from "sandglass";
import { openView, signedInPage, startConsole } from "./console-page.ts";

let daemon: TestDaemon;
let client: Client;
let browser: Browser;
let page: Page;
let sandbox: Sandbox;
let troubles: { readonly list: string[] };

before(async () => {
  ({ daemon, browser } = await startConsole());
  client = new Client({ baseUrl: daemon.url, apiKey: daemon.apiKey });
  sandbox = await client.sandboxes.create({ metadata: { "<b>": "<img src=x onerror=alert(1)>" } });
  ({ page, troubles } = await signedInPage(browser, daemon));
});
after(async () => {
  await browser?.close();
  await client?.close();
  await daemon?.stop();
});

async function outputOf(code: string): Promise<string> {
  const { execId } = await sandbox.runCode(code);
  await openView(page, daemon, `/sandboxes/${sandbox.id}?exec=${execId}`);
  await page
    .getByRole("status")
    .filter({ hasText: /[1-9][0-9]* lines? · exited, code 0/ })
    .waitFor();
  return page.getByLabel("Output", { exact: true }).innerText();
}

test("HTML and scripts in output, code and metadata stay text everywhere", async () => {
  const attack =
    "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'><a href='javascript:window.hacked=1'>";
  const text = await outputOf(`print(${JSON.stringify(attack)})`);
  assert.equal(text.trim(), attack);
  for (const path of ["/sandboxes", "/events", "/traces"]) {
    await openView(page, daemon, path);
    await page.locator("[data-row]").first().waitFor();
  }
  assert.equal(await page.evaluate("window.hacked"), undefined);
  assert.deepEqual(troubles.list, []);
});

test("escape sequences colour their own line and do nothing else", async () => {
  const text = await outputOf(
    [
      "import sys",
      'sys.stdout.write("kept\\033[2J\\033[1;1H\\033]0;title\\007\\033]8;;http://evil/\\033\\\\link\\033]8;;\\033\\\\ end\\n")',
      'sys.stdout.write("\\033[38;2;255;0;0mred\\033[0m \\033[999999999999mplain\\n")',
      'sys.stdout.write("\\033]" + "x" * 100000 + "\\nafter\\n")',
    ].join("\n"),
  );
  assert.match(text, /^keptlink end\nred plain\n/);
  assert.match(text, /\nafter\n/);
  assert.equal(await page.title(), "Sandboxes · Sandglass");
  assert.equal(await page.getByLabel("Output", { exact: true }).locator("a").count(), 0);
});

test("marks that turn text around or hide it are written out", async () => {
  const text = await outputOf('print("user\\u202egnp.exe\\u2066 zero\\u200bwidth \\u0007 \\x7f")');
  assert.equal(text.trim(), "user⟨U+202E⟩gnp.exe⟨U+2066⟩ zero⟨U+200B⟩width ␇ ␡");
});

test("a hundred megabytes, lines without end and a million lines leave the page answering", async () => {
  const code = [
    "import sys",
    'chunk = "y" * 1_000_000',
    "for _ in range(50): sys.stdout.write(chunk)",
    'sys.stdout.write("\\n")',
    'for _ in range(60): sys.stdout.write("line of output\\n" * 60_000)',
    'print("the end")',
  ].join("\n");
  const loud = await client.sandboxes.create({ maxOutputBytes: 1_000_000_000 });
  const { execId } = await loud.runCode(code);
  await openView(page, daemon, `/sandboxes/${loud.id}?exec=${execId}`);
  // While it reads, the page has to answer.
  await page.getByLabel("Search the output").fill("the end");
  const output = page.getByLabel("Output", { exact: true });
  await output.getByText("the end").waitFor({ timeout: 60_000 });
  await page.getByText(/earlier ones only in the download/).waitFor();
  await page.getByLabel("Search the output").fill("");
  await page.getByText(/lines, .*exited, code 0/).waitFor();
  const inPage = await page.locator(".line").count();
  assert.ok(inPage < 200, `${inPage} lines are in the page`);
  await loud.terminate();
});

test("the policy lets in nothing but what the daemon serves", async () => {
  const answer = await page.goto(`${daemon.url}/console/`);
  const policy = answer?.headers()["content-security-policy"] ?? "";
  for (const part of [
    "default-src 'none'",
    "script-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ]) {
    assert.ok(policy.includes(part), part);
  }
  assert.ok(!policy.includes("unsafe"));
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.evaluate(
    "const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; document.body.append(s)",
  );
  assert.equal(await page.evaluate("window.hacked"), undefined);
});
