import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callHttp, type StartDaemonOptions, startDaemon, type TestDaemon } from "@sandglass/testkit";
import { type Browser, chromium, type Page } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Debian's Chromium, without its own sandbox, which root cannot have. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
}

/**
 * A daemon and a browser, started beside each other. Where one of them does not start the other is ended: it would hold the tests until
 * their limit, and what went wrong would not be read.
 *
 * @throws Error as the one says that did not start: of the daemon, with its log
 */
export async function startConsole(
  options?: StartDaemonOptions,
): Promise<{ daemon: TestDaemon; browser: Browser }> {
  const [daemon, browser] = await Promise.allSettled([startDaemon(options), launchBrowser()]);
  if (daemon.status === "fulfilled" && browser.status === "fulfilled")
    return { daemon: daemon.value, browser: browser.value };
  if (daemon.status === "fulfilled") await daemon.value.stop();
  if (browser.status === "fulfilled") await browser.value.close();
  throw daemon.status === "rejected" ? daemon.reason : (browser as PromiseRejectedResult).reason;
}

/** The path of a one-time link, token included. */
export async function linkPath(daemon: TestDaemon, apiKey = daemon.apiKey): Promise<string> {
  return (await callHttp(daemon, "POST /v1/console/links", { apiKey })).json.path;
}

/** What went wrong in a page, by its own word: scripts that threw, refusals of the policy. */
export interface PageTroubles {
  readonly list: string[];
}

/** A page that has signed in by a link, in a browser profile of its own. */
export async function signedInPage(
  browser: Browser,
  daemon: TestDaemon,
  apiKey?: string,
): Promise<{ page: Page; troubles: PageTroubles }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const page = await context.newPage();
  const list: string[] = [];
  page.on("pageerror", (error) => list.push(error.message));
  page.on("dialog", (dialog) => {
    list.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    if (message.type() === "error") list.push(message.text());
  });
  await page.goto(daemon.url + (await linkPath(daemon, apiKey)));
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  return { page, troubles: { list } };
}

/** Opens a view of the console. */
export async function openView(page: Page, daemon: TestDaemon, path: string): Promise<void> {
  await page.goto(`${daemon.url}/console${path}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
}

/** Pictures of the pages that were tested, to be looked at: `SANDGLASS_SCREENSHOTS` says where they are kept. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const path = `${process.env.SANDGLASS_SCREENSHOTS ?? join(tmpdir(), "sandglass-screenshots")}/${name}.png`;
  await page.screenshot({ path, fullPage: true });
}

/** What axe finds that is serious or worse. In a world of its own: the page's policy lets in no script that is not the daemon's. */
export async function seriousViolations(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId: contextId } = await session.send("Page.createIsolatedWorld", {
    frameId: frameTree.frame.id,
    worldName: "axe",
  });
  await session.send("Runtime.evaluate", { expression: AXE, contextId });
  const { result } = await session.send("Runtime.evaluate", {
    contextId,
    awaitPromise: true,
    returnByValue: true,
    expression: `axe.run().then(({ passes, violations }) => {
      if (passes.length === 0) throw new Error("axe looked at nothing");
      return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => id + ": " + nodes[0].html.slice(0, 200));
    })`,
  });
  if (!Array.isArray(result.value)) throw new Error(`axe did not run: ${result.description}`);
  return result.value;
}
