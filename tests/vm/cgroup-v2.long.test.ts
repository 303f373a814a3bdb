import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { inGuest } from "./guest.ts";

const GUIDE = join(import.meta.dirname, "../../docs/install.md");
const UNITS = "etc/systemd/system";

/** The unit that the guide shows. */
async function unitOfTheGuide(): Promise<string> {
  const unit = /```ini\n(# \/etc\/systemd\/system\/sandglass\.service\n[^`]*)```/.exec(
    await readFile(GUIDE, "utf8"),
  )?.[1];
  if (unit === undefined) throw new Error("docs/install.md shows no unit any more");
  return unit;
}

/** A stop that takes a second elsewhere may take longer here than the ten that a daemon gives itself. */
const SLOW = "[Service]\nEnvironment=SANDGLASS_SHUTDOWN_TIMEOUT_MS=120000\nTimeoutStopSec=180\n";

/** Under emulation on a busy host; 15 minutes on a quiet one. */
const TIMEOUT_MS = 75 * 60_000;

test("the unit of the guide keeps every limit by control groups of version 2 alone, as a user and as root", {
  timeout: TIMEOUT_MS,
}, async () => {
  const unit = await unitOfTheGuide();
  const files = {
    [`${UNITS}/sandglass.service`]: unit,
    [`${UNITS}/sandglass-root.service`]: unit.replace(/^(User|ProtectSystem)=.*\n/gm, ""),
    [`${UNITS}/sandglass.service.d/slow.conf`]: SLOW,
    [`${UNITS}/sandglass-root.service.d/slow.conf`]: SLOW,
  };
  const { code, output } = await inGuest("tests/vm/inside/units.sh", files, TIMEOUT_MS - 60_000);
  assert.equal(code, 0, output.slice(-20_000));
  // Once for each of the two.
  assert.deepEqual(output.match(/^\S+ fail \d+/gm)?.length, 2, output.slice(-20_000));
});
