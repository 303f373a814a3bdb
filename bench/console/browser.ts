import { createRequire } from "node:module";
import type { Browser } from "playwright-core";

const EXECUTABLE = "/usr/bin/chromium";

/** The system's Chromium, without its own sandbox, which root cannot have. @throws Error where there is none */
export function launchBrowser(): Promise<Browser> {
  // The console's own tests drive it too: one version for both.
  const require = createRequire(import.meta.resolve("@sandglass/console/package.json"));
  const { chromium } = require("playwright-core") as typeof import("playwright-core");
  return chromium.launch({ executablePath: EXECUTABLE, args: ["--no-sandbox"] });
}
