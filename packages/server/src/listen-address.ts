import { isIP } from "node:net";
import { networkInterfaces } from "node:os";

/** So that a host with many networks still gets one line. */
const MAX_NAMED = 6;

/**
 * Why nothing can listen there, and what to choose instead: for whoever was refused it. What is merely unlikely is left to the
 * kernel, which can be told to lend addresses that are not this machine's.
 *
 * @returns undefined where nothing is wrong with it as far as can be seen
 */
export function whyNotOurs(host: string, own = ownAddresses()): string | undefined {
  const bare = host.replace(/^\[|\]$/g, "");
  const others = `change --host: this machine has ${[...own.slice(0, MAX_NAMED)].join(", ")}, and 0.0.0.0 is all of them`;
  if (isIP(bare) > 0) {
    const isKnown = own.includes(bare) || ["0.0.0.0", "::"].includes(bare) || bare.startsWith("127.");
    return isKnown ? undefined : `${bare} is no address of this machine; ${others}`;
  }
  return /^[\d.]+$|:/.test(bare) ? `"${bare}" is no address; ${others}` : undefined;
}

/** Of this machine, those that only mean something together with an interface left out. */
function ownAddresses(): string[] {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return found.filter(({ scopeid }) => !scopeid).map(({ address }) => address);
}
