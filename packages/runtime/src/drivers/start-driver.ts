import type { Isolation } from "@sandglass/protocol";
import type { SandboxDriver } from "./driver.ts";
import { Drivers } from "./drivers.ts";
import type { SandboxHostOptions } from "./sandbox-host.ts";

/**
 * One driver with a host of its own, which is closed with it: for tests and measurements. A daemon has several on one host.
 *
 * @throws SandglassError as `Drivers.start`
 */
export async function startDriver(isolation: Isolation, options: SandboxHostOptions): Promise<SandboxDriver> {
  const drivers = await Drivers.start({ ...options, isolation });
  const driver = await drivers.get(isolation);
  return {
    name: driver.name,
    capabilities: driver.capabilities,
    unenforced: driver.unenforced,
    create: (request) => driver.create(request),
    close: () => drivers.close(),
  };
}
