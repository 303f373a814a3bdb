import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import type { Browser } from "playwright-core";
import { launchBrowser, openView, signedInPage } from "./console-page.ts";

const SPANS = 50_000;
const PER_REQUEST = 5_000;
const TRACE = "0af7651916cd43dd8448eb211c80319c";
let daemon: TestDaemon;
let browser: Browser;
before(async () => {
  [daemon, browser] = await Promise.all([startDaemon(), launchBrowser()]);
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
    };
  });
}

test("a trace of 50,000 spans has a screenful of them in the page, and is searched, folded and walked", async () => {
  for (let first = 1; first <= SPANS; first += PER_REQUEST) {
    const json = { resourceSpans: [{ scopeSpans: [{ spans: spansFrom(first) }] }] };
    assert.equal((await callHttp(daemon, "POST /otlp/v1/traces", { json })).status, 200);
  }
  await until("the store has all of it", async () => {
    const { json } = await callHttp(daemon, "GET /v1/traces?limit=1000&name=step");
    return json.items?.some((each: { spans: number }) => each.spans >= SPANS);
  });
  const { page } = await signedInPage(browser, daemon);
  await openView(page, daemon, `/traces/${TRACE}`);
  await page.getByText("50,000 spans").waitFor();
  assert.ok((await page.locator(".span").count()) < 100);
  await page.getByLabel("Search in this trace").fill("step 49999");
  await page.getByText("1 found").waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 2, name: "step 49999" }).waitFor();
  await page.getByRole("button", { name: /^step 49999, / }).waitFor();
  await page.getByRole("button", { name: "Fold all", exact: true }).click();
  await page.getByText("0 found").waitFor();
});
