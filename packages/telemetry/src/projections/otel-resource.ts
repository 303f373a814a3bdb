import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { RuntimeEvent } from "@sandglass/protocol";
import type { KeyValue } from "../otlp/model.ts";
import { attribute } from "./otel-attribute.ts";
import type { KnownSandboxes } from "./otel-memory.ts";

/** One for the life of the process: what is counted up has to come from one place. */
const INSTANCE_ID = randomUUID();

export interface ServiceIdentity {
  readonly name: string;
  readonly version: string;
  /** Over what is said of the host by itself; the two above win over these. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** What sends: on everything, and all there is on metrics and on events of the host itself. */
export function serviceResource(service: ServiceIdentity): KeyValue[] {
  const attributes = {
    "service.instance.id": INSTANCE_ID,
    "host.name": hostname(),
    "telemetry.sdk.name": "sandglass",
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.version": service.version,
    ...service.attributes,
    "service.name": service.name,
    "service.version": service.version,
  };
  return Object.entries(attributes).map(([key, value]) => attribute(key, value));
}

/**
 * What an event is about, behind what sends it: `sandglass.sandbox.id`, `sandglass.org.id`, `sandglass.run.id` and
 * `sandglass.template.id`, each where there is one. The host says them, so nothing from inside a sandbox can forge them.
 *
 * There is no `container.id`: back ends look that up among the containers of their own agent, and would find nothing.
 */
export function eventResource(
  event: RuntimeEvent,
  service: readonly KeyValue[],
  memory: KnownSandboxes,
): KeyValue[] {
  const list = [...service];
  const add = (key: string, value: string | undefined) => {
    if (value) list.push(attribute(key, value));
  };
  add("sandglass.sandbox.id", event.sandboxId);
  add("sandglass.org.id", event.orgId);
  add("sandglass.run.id", event.runId);
  add("sandglass.template.id", memory.sandbox(event.sandboxId)?.template);
  return list;
}
