import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { driverContract } from "@sandglass/testkit";
import { startDriver } from "./start-driver.ts";

driverContract("gvisor", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "sg-"));
  return { dataDir, driver: await startDriver("gvisor", { dataDir, mountPoints: ["/srv/data"] }) };
});
