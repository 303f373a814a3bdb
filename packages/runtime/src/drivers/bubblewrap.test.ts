import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { driverContract } from "@sandglass/testkit";
import { BubblewrapDriver } from "./bubblewrap.ts";

driverContract("bubblewrap", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "sg-"));
  return { dataDir, driver: await BubblewrapDriver.start({ dataDir, mountPoints: ["/srv/data"] }) };
});
