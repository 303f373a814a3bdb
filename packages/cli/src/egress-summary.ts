import type { RuntimeEvent } from "sandglass";

/** What was done of one destination. */
export interface EgressDestination {
  /** "" where a request named none that could be, or was one of too many. */
  host: string;
  port: number;
  /** How often it was let out, and how often not. */
  allowed: number;
  denied: number;
  bytesIn: number;
  bytesOut: number;
  /** Those that caused it, as far as that is known. */
  execIds: string[];
  /** Why it was not let out, or did not come through. */
  reasons: string[];
}

export interface EgressSummary {
  destinations: EgressDestination[];
  /** What would have let out everything that no rule denies, to be given at creation. */
  network: { egress: { default: "deny"; allow: string[] } };
  /** Names that lead to addresses which are not public: those have to be allowed besides, by an admin key. */
  notPublic: string[];
  /** Of how many requests no destination is known: none of them was let out, and none is in `network`. */
  unnamed: number;
}

const WEB_PORTS: readonly number[] = [80, 443];

/** Sums up events of egress by destination, in the order in which they were first asked for. */
export class EgressTally {
  readonly #destinations = new Map<string, EgressDestination>();

  add(event: RuntimeEvent): void {
    if (event.type !== "network.egress" && event.type !== "network.denied") return;
    const { host, port, execId, count = 1 } = event.data;
    const at = this.#at(host, port);
    if (execId !== undefined && !at.execIds.includes(execId)) at.execIds.push(execId);
    if (event.type === "network.egress") {
      at.allowed += count;
      at.bytesIn += event.data.bytesIn;
      at.bytesOut += event.data.bytesOut;
    } else at.denied += count;
    const reason = event.type === "network.egress" ? event.data.error : event.data.reason;
    if (reason !== undefined && !at.reasons.includes(reason)) at.reasons.push(reason);
  }

  summary(): EgressSummary {
    const destinations = [...this.#destinations.values()];
    const wanted = destinations.filter(({ host, reasons }) => host !== "" && !reasons.includes("denied"));
    const unnamed = destinations.filter(({ host }) => host === "");
    const notPublic = wanted.filter(({ reasons }) => reasons.includes("not_public"));
    return {
      destinations,
      network: { egress: { default: "deny", allow: [...new Set(wanted.map(ruleOf))].toSorted() } },
      notPublic: notPublic.map(({ host }) => host),
      unnamed: unnamed.reduce((sum, { allowed, denied }) => sum + allowed + denied, 0),
    };
  }

  #at(host: string, port: number): EgressDestination {
    const key = `${host} ${port}`;
    const known = this.#destinations.get(key);
    if (known !== undefined) return known;
    const made = { host, port, allowed: 0, denied: 0, bytesIn: 0, bytesOut: 0, execIds: [], reasons: [] };
    this.#destinations.set(key, made);
    return made;
  }
}

/** A destination as one reads it: `pypi.org:443`. */
export function destinationText({ host, port }: Pick<EgressDestination, "host" | "port">): string {
  if (host === "") return "–";
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function ruleOf(destination: EgressDestination): string {
  return WEB_PORTS.includes(destination.port) ? destination.host : destinationText(destination);
}
