/**
 * Installs every package that tests put into sandboxes, so that none of them has to wait for a registry: a program of the set-up's, which
 * may take as long as it takes. What one try has fetched the next finds in the installers' own caches.
 */
import { installedPackages, NODE_PACKAGES, PYTHON_PACKAGES } from "./instrument/installed-packages.ts";
import { sdkPackages } from "./runtime/opentelemetry-packages.ts";
import { installedSet, PACKAGE_SETS } from "./telemetry/sandbox-packages.ts";

const TRIES = 3;

const installs: readonly (() => Promise<unknown>)[] = [
  ...PACKAGE_SETS.map((name) => () => installedSet(name)),
  () => installedPackages("pip", PYTHON_PACKAGES),
  () => installedPackages("npm", NODE_PACKAGES),
  async () => (await sdkPackages()).remove(),
];

for (const install of installs) {
  for (let tries = 1; ; tries += 1) {
    try {
      await install();
      break;
    } catch (error) {
      if (tries === TRIES) throw error;
      process.stderr.write(`${(error as Error).message}; once more\n`);
    }
  }
}
