import type { RelayTarget } from "./messages.ts";

/** What of a target can be said to another process. Functions are the exporter's of events. */
export function withoutFunctions({ id, owner, options }: RelayTarget): RelayTarget {
  const { provider, config = {}, startAt } = options;
  const plain = Object.entries(config).filter(([, value]) => typeof value !== "function");
  return {
    id,
    owner,
    options: { provider, config: Object.fromEntries(plain), ...(startAt !== undefined && { startAt }) },
  };
}
