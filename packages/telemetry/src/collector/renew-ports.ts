import { CollectorEnded, type CollectorLink } from "./collector-link.ts";
import type { CollectorSettings, PortIdentity } from "./messages.ts";
import { waitWithin } from "./wait-within.ts";

/** One that hangs is started again, with what was noted. */
const RENEW_MS = 2_000;

/**
 * Shows new connections of the ports this certificate. It is noted too, for a process that comes in place of this one. Where the
 * ports speak plain, or there are none, nothing changes.
 */
export async function renewPorts(
  { listen }: CollectorSettings,
  link: Pick<CollectorLink, "ask">,
  { cert, key }: PortIdentity,
): Promise<void> {
  if (listen?.tls === undefined) return;
  listen.tls = { cert, key };
  try {
    await waitWithin(RENEW_MS, link.ask({ kind: "renew", tls: listen.tls }));
  } catch (error) {
    // It is told when it starts.
    if (!(error instanceof CollectorEnded)) throw error;
  }
}
