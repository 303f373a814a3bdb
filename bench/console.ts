/** The web console as somebody sees it: in the system's Chromium, with a real daemon and real sandboxes. */
import { setTimeout as delay } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "./console/browser.ts";
import { sendLongTrace, TRACE_ID } from "./console/long-trace.ts";
import { MeasuredDaemon } from "./measure/daemon.ts";
import type { Part, Plan } from "./measure/plan.ts";
import { type Row, row } from "./measure/row.ts";
import { percentile } from "./measure/statistics.ts";

const SPANS = 50_000;
const SCROLLS = 40;
const SETTLE_MS = 100;

export const consolePart: Part = {
  name: "console",
  title: "The web console: first load, live events, a long trace",
  measure: measureConsole,
};

async function measureConsole(plan: Plan): Promise<Row[]> {
  await using daemon = await MeasuredDaemon.start();
  const browser = await launchBrowser();
  try {
    const page = await signIn(browser, daemon);
    return [
      row("first load, transferred with gzip", (await firstLoadBytes(daemon, page)) / 1000, "kB", {
        target: { atMost: 250 },
      }),
      row("time to interactive, p50", percentile(await loads(daemon, page, plan), 0.5), "ms", {
        target: { atMost: 1000 },
      }),
      row(
        "event in a sandbox until it is visible, p95",
        percentile(await events(daemon, page, plan), 0.95),
        "ms",
        {
          target: { atMost: 200 },
        },
      ),
      row(
        `longest task while ${SPANS} spans are scrolled and zoomed`,
        await longestTask(daemon, page),
        "ms",
        {
          target: { atMost: 100 },
          note: "0: none above 50 ms",
        },
      ),
    ];
  } finally {
    await browser.close();
  }
}

async function signIn(browser: Browser, daemon: MeasuredDaemon): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  // When the view was there, by the page's own clock.
  await context.addInitScript(`new MutationObserver(() => {
    if (window.shownAt === undefined && document.querySelector(".card .big")) window.shownAt = performance.now();
  }).observe(document, { childList: true, subtree: true })`);
  const page = await context.newPage();
  await page.goto((await daemon.client.consoleLink()).url);
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  return page;
}

/** The page and all that it asks for of the console itself, as gzip sends it. */
async function firstLoadBytes(daemon: MeasuredDaemon, page: Page): Promise<number> {
  await page.goto(`${daemon.url}/console/`);
  await page.locator(".card .big").first().waitFor();
  const paths = (await page.evaluate(
    "performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.includes('/console/assets/'))",
  )) as string[];
  const sizes = [`${daemon.url}/console/`, ...new Set(paths)].map(async (url) => {
    const answer = await fetch(url, { headers: { "accept-encoding": "gzip" } });
    await answer.arrayBuffer();
    return Number(answer.headers.get("content-length"));
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** From the navigation to the overview with its numbers, without a cache. */
async function loads(daemon: MeasuredDaemon, page: Page, plan: Plan): Promise<number[]> {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  const samples: number[] = [];
  for (let turn = 0; turn < plan.times(20, 3); turn++) {
    await page.goto(`${daemon.url}/console/`);
    await page.locator(".card .big").first().waitFor();
    samples.push((await page.evaluate("window.shownAt")) as number);
  }
  return samples;
}

/** From the event's own time to the row in an open page, on the one clock that both have. */
async function events(daemon: MeasuredDaemon, page: Page, plan: Plan): Promise<number[]> {
  const sandbox = await daemon.client.sandboxes.create();
  await page.goto(`${daemon.url}/console/events?types=file.created`);
  await sandbox.files.write("probe-first", "");
  await page.getByText("probe-first").waitFor();
  await page.evaluate(`window.seen = {};
    new MutationObserver(() => {
      for (const [name] of document.body.innerText.matchAll(/probe-\\d+/g)) window.seen[name] ??= Date.now();
    }).observe(document.body, { childList: true, subtree: true, characterData: true })`);
  const count = plan.times(100, 5);
  for (let index = 0; index < count; index++) {
    await sandbox.files.write(`probe-${index}`, "");
    await page.getByText(`probe-${index}"`).first().waitFor();
    await delay(SETTLE_MS);
  }
  const seen = (await page.evaluate("window.seen")) as Record<string, number>;
  const samples: number[] = [];
  for await (const event of daemon.client.events({ types: ["file.created"], sandboxId: sandbox.id })) {
    const at = event.type === "file.created" ? seen[event.data.path?.split("/").at(-1) ?? ""] : undefined;
    if (event.type === "file.created" && at !== undefined) samples.push(at - Date.parse(event.timestamp));
  }
  await sandbox.terminate();
  return samples;
}

async function longestTask(daemon: MeasuredDaemon, page: Page): Promise<number> {
  await sendLongTrace(daemon, SPANS);
  await page.goto(`${daemon.url}/console/traces/${TRACE_ID}?live=0`);
  await page.getByText("50,000 spans").waitFor();
  const list = page.getByLabel(/^Spans;/);
  await list.focus();
  await delay(1_000);
  await page.evaluate(`window.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
    }).observe({ type: "longtask" })`);
  await list.hover();
  for (let turn = 0; turn < SCROLLS; turn++) await page.mouse.wheel(0, turn % 2 === 0 ? 40_000 : -9_000);
  for (const key of ["+", "+", "+", "-", "Shift+ArrowRight", "0", "z", "0"]) await page.keyboard.press(key);
  await delay(1_000);
  return (await page.evaluate("window.longest")) as number;
}
