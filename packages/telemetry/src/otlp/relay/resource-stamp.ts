import { writeKeyValues } from "../encode-common.ts";
import { ProtoWriter } from "../proto-writer.ts";
import { LEN, tag } from "../wire.ts";
import { HostOwnedKeys } from "./host-owned-keys.ts";

const ATTRIBUTES = tag(1, LEN);
const HOST_OWNED = new HostOwnedKeys();

/** What the host says of a sandbox, ready to be put in front of every Resource that comes from inside it. Made once a sandbox. */
export interface ResourceStamp {
  /** `attributes` of a `Resource`, encoded. */
  readonly attributes: Uint8Array;
  /** Keys that nobody but the host may set. */
  readonly owned: HostOwnedKeys;
}

/**
 * @param attributes by key; those that are undefined are left out, and so are they where they come from inside
 * @param owned for other keys than those of `HOST_OWNED_KEYS`; one for all stamps
 * @throws Error where an attribute is not among the owned keys: it could then be there twice
 * @example
 * const stamp = resourceStamp({ "sandglass.sandbox.id": sandbox.id, "sandglass.org.id": sandbox.orgId });
 */
export function resourceStamp(
  attributes: Readonly<Record<string, string | undefined>>,
  owned: HostOwnedKeys = HOST_OWNED,
): ResourceStamp {
  const set = Object.entries(attributes).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const foreign = set.find(([key]) => !owned.has(key));
  if (foreign !== undefined) throw new Error(`${foreign[0]} is not a key that the host owns`);
  const writer = new ProtoWriter();
  writeKeyValues(
    writer,
    ATTRIBUTES,
    set.map(([key, stringValue]) => ({ key, value: { stringValue } })),
  );
  return { attributes: writer.finish(), owned };
}
