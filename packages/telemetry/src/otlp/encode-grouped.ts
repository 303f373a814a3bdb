import { ProtoWriter, varintBytes } from "./proto-writer.ts";
import { LEN, tag } from "./wire.ts";

// The same in requests of every signal.
const RESOURCE_ITEMS = tag(1, LEN);
const SCOPE_ITEMS = tag(2, LEN);
/** The writer makes room for the longest length that there is. */
const SLACK_BYTES = 16;

/** What one resource has to tell. */
export interface EncodedGroup {
  /** The field `resource`, with its tag. */
  readonly resource: Uint8Array;
  /** Spans or log records, each with its tag. */
  readonly items: Uint8Array;
}

/**
 * A request of groups, each of one resource and one scope, from what was encoded of them.
 *
 * @param scope the field `scope`, with its tag
 * @param takeMemory gives at least so many bytes, at the beginning of which the request is then
 */
export function encodeGrouped(
  groups: readonly EncodedGroup[],
  scope: Uint8Array,
  takeMemory: (bytes: number) => Buffer,
): Buffer {
  const sizes = groups.map(({ resource, items }) => {
    const inner = scope.length + items.length;
    return { inner, outer: resource.length + 1 + varintBytes(inner) + inner };
  });
  const total = sizes.reduce((sum, { outer }) => sum + 1 + varintBytes(outer) + outer, SLACK_BYTES);
  const writer = new ProtoWriter(takeMemory(total));
  for (const [index, { resource, items }] of groups.entries()) {
    writer.head(RESOURCE_ITEMS, sizes[index]!.outer);
    writer.raw(resource);
    writer.head(SCOPE_ITEMS, sizes[index]!.inner);
    writer.raw(scope);
    writer.raw(items);
  }
  return writer.finish();
}
