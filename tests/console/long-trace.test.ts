import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, type TestDaemon, until } from "@sandglass/testkit";
import type { Browser, Page } from "playwright-core";
import { keepScreenshot, openView, seriousViolations, signedInPage, startConsole } from "./console-page.ts";

const SPANS = 50_000;
const PER_REQUEST = 5_000;
const TRACE = "0af7651916cd43dd8448eb211c80319c";
let daemon: TestDaemon;
let browser: Browser;
let page: Page;
before(async () => {
  ({ daemon, browser } = await startConsole());
});
after(async () => {
  await browser?.close();
  await daemon?.stop();
});

function spanId(index: number): string {
  return index.toString(16).padStart(16, "0");
}

/** A tree ten wide below its root, every span a hundred microseconds behind the one before. */
function spansFrom(first: number): object[] {
  const begin = BigInt(Date.now() - 60_000) * 1_000_000n;
  return Array.from({ length: PER_REQUEST }, (_, offset) => {
    const index = first + offset;
    const start = begin + BigInt(index) * 100_000n;
    return {
      traceId: TRACE,
      spanId: spanId(index),
      ...(index > 1 && { parentSpanId: spanId(Math.max(1, Math.floor(index / 10))) }),
      name: `step ${index}`,
      startTimeUnixNano: String(start),
      endTimeUnixNano: String(start + 50_000n),
      ...(index % 991 === 0 && { status: { code: 2 } }),
    };
  });
}

test("a trace of 50,000 spans has a screenful of them in the page, and is searched, folded and walked", async () => {
  for (let first = 1; first <= SPANS; first += PER_REQUEST) {
    const json = { resourceSpans: [{ scopeSpans: [{ spans: spansFrom(first) }] }] };
    // A sender that is told to wait, waits.
    await until("the spans are taken", async () => {
      return (await callHttp(daemon, "POST /otlp/v1/traces", { json })).status === 200;
    });
  }
  await until("the store has all of it", async () => {
    const { json } = await callHttp(daemon, "GET /v1/traces?limit=1000&name=step");
    return json.items?.some((each: { spans: number }) => each.spans >= SPANS);
  });
  ({ page } = await signedInPage(browser, daemon));
  await openView(page, daemon, `/traces/${TRACE}`);
  await page.getByText("50,000 spans").waitFor();
  assert.ok((await page.locator(".span").count()) < 100);
  await page.getByRole("button", { name: "Fold all", exact: true }).click();
  await page.getByLabel("Search in this trace").fill("step 49999");
  await page.getByText("1 found").waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 2, name: "step 49999" }).waitFor();
  await page.getByRole("button", { name: /^step 49999, / }).waitFor();
});

test("it is zoomed by keys and by dragging over its map, and the address says where to", async () => {
  await openView(page, daemon, `/traces/${TRACE}?span=${spanId(1)}`);
  await page.getByRole("heading", { level: 2, name: "step 1", exact: true }).waitFor();
  await page.getByLabel(/^Spans;/).press("z");
  await page.waitForURL(/zoom=0-0\.05/);
  await page.getByLabel(/^Spans;/).press("-");
  await page.waitForURL(/zoom=0-0\.1(&|$)/);
  await page.getByRole("button", { name: "Whole time" }).click();
  const map = await page.locator(".trace-map").boundingBox();
  assert.ok(map !== null);
  await page.mouse.move(map.x + map.width / 4, map.y + 10);
  await page.mouse.down();
  await page.mouse.move(map.x + map.width / 2, map.y + 10, { steps: 3 });
  await page.mouse.up();
  await page.waitForURL(/zoom=[1-9]/);
  const [from = 0, to = 0] = (new URL(page.url()).searchParams.get("zoom") ?? "").split("-").map(Number);
  assert.ok(Math.abs(to / from - 2) < 0.1, `from a quarter to the half: ${from} to ${to}`);
  await keepScreenshot(page, "trace-zoomed");
});

test("the critical path and the errors are listed alone, and the flame view chooses what is clicked", async () => {
  await openView(page, daemon, `/traces/${TRACE}?show=errors`);
  await page.getByRole("button", { name: /^step 29730, / }).waitFor();
  assert.equal(await page.getByRole("button", { name: /^step 29731, / }).count(), 0);
  await page.getByLabel("Spans shown").selectOption("critical");
  await until("it is drawn", () =>
    page.evaluate<boolean>("document.querySelectorAll('.critical').length > 0"),
  );
  await page.getByLabel("View", { exact: true }).selectOption("flame");
  const flame = page.getByRole("img", { name: /^Flame view of 50000 spans/ });
  await openView(page, daemon, `/traces/${TRACE}?view=flame&zoom=0-0.2`);
  await flame.click({ position: { x: 20, y: 10 } });
  await page.waitForURL(new RegExp(`span=${spanId(1)}`));
  await keepScreenshot(page, "trace-flame");
  assert.deepEqual(await seriousViolations(page), []);
});
