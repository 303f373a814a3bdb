import type { Tenant, TenantLimits } from "../otlp/receiver/tenant.ts";
import { type ResourceStamp, resourceStamp } from "../otlp/relay/resource-stamp.ts";
import type { TelemetryHead } from "./telemetry-record.ts";

/** What of a record's head says whose it is. */
export type RecordOwner = Pick<
  TelemetryHead,
  "origin" | "orgId" | "sandboxId" | "runId" | "destinationId" | "isForwardOnly"
>;

/** A sender whose requests go to the log of telemetry. */
export interface RecordingTenant extends Tenant {
  /** Of what it sends from now on; undefined while it has no owner. */
  readonly owner: RecordOwner | undefined;
}

/** A sandbox: first of nobody, in the pool, then of whoever claimed it. */
export class SandboxTenant implements RecordingTenant {
  readonly id: string;
  readonly origin = "sandbox";
  readonly limits: TenantLimits;
  #stamp: ResourceStamp | undefined;
  #owner: RecordOwner | undefined;

  constructor(id: string, limits: TenantLimits) {
    this.id = id;
    this.limits = limits;
  }

  get stamp(): ResourceStamp | undefined {
    return this.#stamp;
  }

  get owner(): RecordOwner | undefined {
    return this.#owner;
  }

  claim(owner: { orgId: string; template: string; runId: string; destinationId: string }): void {
    const { orgId, template, runId, destinationId } = owner;
    this.#owner = {
      origin: "sandbox",
      orgId,
      sandboxId: this.id,
      runId,
      destinationId,
      isForwardOnly: false,
    };
    this.#stamp = resourceStamp({
      "sandglass.sandbox.id": this.id,
      "sandglass.org.id": orgId,
      "sandglass.template.id": template,
      "sandglass.run.id": runId || undefined,
      "service.instance.id": this.id,
      "container.id": this.id,
    });
  }
}
