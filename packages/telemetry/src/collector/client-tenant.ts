import type { TenantLimits } from "../otlp/receiver/tenant.ts";
import { HostOwnedKeys } from "../otlp/relay/host-owned-keys.ts";
import { type ResourceStamp, resourceStamp } from "../otlp/relay/resource-stamp.ts";
import type { RecordingTenant, RecordOwner } from "./sandbox-tenant.ts";

/** What a program with a key may not say itself; which of its own processes it is, and in which run, it may. */
const OWNED = new HostOwnedKeys(["sandglass.org.id", "sandglass.sandbox.id", "sandglass.template.id"]);

/** Programs of the host that send with a key of one organisation, an agent's own process above all. */
export class ClientTenant implements RecordingTenant {
  readonly id: string;
  readonly origin = "host";
  readonly limits: TenantLimits;
  readonly stamp: ResourceStamp;
  readonly owner: RecordOwner;

  constructor(orgId: string, limits: TenantLimits) {
    this.id = `org:${orgId}`;
    this.limits = limits;
    this.stamp = resourceStamp({ "sandglass.org.id": orgId }, OWNED);
    this.owner = {
      origin: "client",
      orgId,
      sandboxId: "",
      runId: "",
      destinationId: "",
      isForwardOnly: false,
    };
  }
}
