import { type ResourceStamp, resourceStamp } from "../resource-stamp.ts";

/** What the host says in tests. It says nothing of `sandglass.run.id` and `container.id`, which it owns all the same. */
export const HOST_ATTRIBUTES = {
  "sandglass.sandbox.id": "sbx_host",
  "sandglass.org.id": "org_host",
  "sandglass.template.id": "python",
  "service.instance.id": "sbx_host",
} as const;

export const TEST_STAMP: ResourceStamp = resourceStamp(HOST_ATTRIBUTES);

/** The host's attributes as the oracle decodes them. */
export const HOST_KEY_VALUES = Object.entries(HOST_ATTRIBUTES).map(([key, stringValue]) => ({
  key,
  value: { stringValue },
}));
