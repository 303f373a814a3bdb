import { setTimeout as delay } from "node:timers/promises";
import type { EgressOptions } from "@sandglass/protocol";
import type { SocketHandle } from "../collector.ts";
import type { DriverSandbox } from "../drivers/driver.ts";
import { roundMs } from "../duration.ts";
import { EGRESS_PORT } from "./egress-environment.ts";
import { NO_REQUEST, type ProxyReport, type SocketAddress } from "./egress-messages.ts";
import type { OwnerRefusal } from "./egress-policy.ts";
import type { EgressProxy, ProxyGuest } from "./egress-proxy.ts";
import { type EgressCause, EgressRecord, type SayEgress } from "./egress-record.ts";

/** What went through the proxy since the sandbox's beginning. */
export interface EgressCounts {
  bytesIn: number;
  bytesOut: number;
  /** Connections and requests that were let out. */
  connections: number;
  denied: number;
}

export interface SandboxEgressParts {
  sandboxId: string;
  options: EgressOptions;
  /** It may name addresses that are not public. */
  isTrusted: boolean;
  proxy: EgressProxy;
  driver: Pick<DriverSandbox, "listen" | "ownersOf">;
  /** Commits an event. */
  say: SayEgress;
  /** The exec that a group of processes is of. */
  causeOf(group: string): EgressCause | undefined;
}

/** A request between its coming in and its end. */
interface Open {
  cause: EgressCause | undefined;
  /** Set once it is let out. */
  to?: { host: string; port: number; at: number };
  bytesIn: number;
  bytesOut: number;
}

/** Between two searches, for as long as the one before took, others have their turn; and no longer than this. */
const MAX_PAUSE_MS = 500;

/** One sandbox's way out: told by the proxy, tells the record, and finds out which exec caused what. */
export class SandboxEgress implements ProxyGuest {
  readonly options: EgressOptions;
  readonly isTrusted: boolean;
  readonly #parts: SandboxEgressParts;
  readonly #record: EgressRecord;
  readonly #open = new Map<number, Open>();
  readonly #counts: EgressCounts = { bytesIn: 0, bytesOut: 0, connections: 0, denied: 0 };
  #asked: { request: number; peer: SocketAddress; found(refusal: OwnerRefusal | undefined): void }[] = [];
  #isSearching = false;
  #ended: Promise<void> | undefined;

  constructor(parts: SandboxEgressParts) {
    this.#parts = parts;
    this.options = parts.options;
    this.isTrusted = parts.isTrusted;
    this.#record = new EgressRecord(parts.say);
  }

  /** Resolves when it answers inside. Rejects with DRIVER_ERROR. */
  begin(): Promise<void> {
    return this.#parts.proxy.attach(this.#parts.sandboxId, this);
  }

  /** After its processes have ended: resolves when everything it did is recorded. Idempotent. */
  end(): Promise<void> {
    this.#ended ??= this.#parts.proxy.detach(this.#parts.sandboxId).then(() => this.#record.end());
    return this.#ended;
  }

  counts(): EgressCounts {
    const counts = { ...this.#counts };
    for (const { bytesIn, bytesOut } of this.#open.values()) {
      counts.bytesIn += bytesIn;
      counts.bytesOut += bytesOut;
    }
    return counts;
  }

  readonly open = async (): Promise<SocketHandle> => {
    const [socket] = await this.#parts.driver.listen([EGRESS_PORT]);
    return socket as SocketHandle;
  };

  async own(request: number, peer: SocketAddress): Promise<OwnerRefusal | undefined> {
    const { promise, resolve } = Promise.withResolvers<OwnerRefusal | undefined>();
    this.#asked.push({ request, peer, found: resolve });
    if (!this.#isSearching) void this.#search();
    const refusal = await promise;
    return (await this.#record.hasRoom()) ? refusal : "rate_limited";
  }

  hear(report: Exclude<ProxyReport, { kind: "request" }>): void {
    const { request } = report;
    const open = this.#open.get(request);
    if (report.kind === "traffic") {
      if (open !== undefined) Object.assign(open, { bytesIn: report.bytesIn, bytesOut: report.bytesOut });
      return;
    }
    const { host, port } = report;
    if (report.kind === "opened") {
      this.#counts.connections++;
      const to = { host, port, at: performance.now() };
      this.#open.set(request, { cause: undefined, bytesIn: 0, bytesOut: 0, ...open, to });
      return;
    }
    if (request !== NO_REQUEST) this.#open.delete(request);
    if (report.kind === "denied") {
      this.#counts.denied++;
      return this.#record.tell("network.denied", { host, port, reason: report.reason }, open?.cause);
    }
    const { bytesIn, bytesOut, durationMs, error } = report;
    this.#counts.bytesIn += bytesIn;
    this.#counts.bytesOut += bytesOut;
    const data = { host, port, bytesIn, bytesOut, durationMs, ...(error !== undefined && { error }) };
    this.#record.tell("network.egress", data, open?.cause);
  }

  /** What was let out is told as far as it is known. */
  lost(): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { cause, to, bytesIn, bytesOut } of open) {
      if (to === undefined) continue; // it waited for a decision, which there was none of
      this.#counts.bytesIn += bytesIn;
      this.#counts.bytesOut += bytesOut;
      const { host, port, at } = to;
      const durationMs = roundMs(performance.now() - at);
      const data = { host, port, bytesIn, bytesOut, durationMs, error: "proxy_ended" };
      this.#record.tell("network.egress", data, cause);
    }
  }

  /** All that is asked meanwhile is looked for at once. */
  async #search(): Promise<void> {
    this.#isSearching = true;
    while (this.#asked.length > 0) {
      const asked = this.#asked;
      this.#asked = [];
      const startedAt = performance.now();
      const peers = asked.map(({ peer }) => peer);
      const owners = await this.#parts.proxy.searches.run(() => this.#ownersOf(peers));
      for (const [index, { request, found }] of asked.entries()) {
        const owner = owners?.[index];
        const cause = owner === undefined ? undefined : this.#parts.causeOf(owner);
        this.#open.set(request, { cause, bytesIn: 0, bytesOut: 0 });
        found(owners === undefined || cause !== undefined ? undefined : "not_attributed");
      }
      // Code inside decides how often, and how much there is to look through.
      const tookMs = performance.now() - startedAt;
      await delay(Math.min(MAX_PAUSE_MS, tookMs), undefined, { ref: false });
    }
    this.#isSearching = false;
  }

  /** Undefined where owners cannot be known here. */
  async #ownersOf(peers: readonly SocketAddress[]): Promise<(string | undefined)[] | undefined> {
    try {
      return await this.#parts.driver.ownersOf(peers.map((peer) => ({ ...peer, listenPort: EGRESS_PORT })));
    } catch {
      return []; // it is ending: nothing is let out any more
    }
  }
}
