import { hash } from "node:crypto";
import type { TenantLimits } from "../otlp/receiver/tenant.ts";
import { ClientTenant } from "./client-tenant.ts";
import type { DaemonLine } from "./daemon-line.ts";

/** How long a key that was good is believed to be, unless the daemon says that keys have changed. One that expires can send for as long. */
const BELIEVED_MS = 5_000;
const MAX_REMEMBERED = 1_000;
/** Longer than any key. */
const MAX_HEADER_LENGTH = 1_024;

/** The senders of the host, one an organisation. */
export class ClientTenants {
  readonly #line: DaemonLine;
  readonly #limits: TenantLimits;
  readonly #onNew: (tenant: ClientTenant) => void;
  readonly #byOrg = new Map<string, ClientTenant>();
  /** By the hash of what was sent. */
  readonly #believed = new Map<string, { tenant: ClientTenant; until: number }>();

  constructor(line: DaemonLine, limits: TenantLimits, onNew: (tenant: ClientTenant) => void) {
    this.#line = line;
    this.#limits = limits;
    this.#onNew = onNew;
  }

  of(orgId: string): ClientTenant {
    let tenant = this.#byOrg.get(orgId);
    if (tenant === undefined) {
      tenant = new ClientTenant(orgId, this.#limits);
      this.#byOrg.set(orgId, tenant);
      this.#onNew(tenant);
    }
    return tenant;
  }

  /** Asks anew about every key. */
  forgetKeys(): void {
    this.#believed.clear();
  }

  /** Whose key an `Authorization` header carries; undefined where that is nobody's. */
  async authorize(header: string | undefined): Promise<ClientTenant | undefined> {
    if (header === undefined || header.length > MAX_HEADER_LENGTH) return undefined;
    const key = hash("sha256", header);
    const known = this.#believed.get(key);
    if (known !== undefined && known.until > performance.now()) return known.tenant;
    this.#believed.delete(key);
    const orgId = await this.#line.authorize(header);
    if (orgId === undefined) return undefined;
    const tenant = this.of(orgId);
    if (this.#believed.size >= MAX_REMEMBERED) this.#believed.clear();
    this.#believed.set(key, { tenant, until: performance.now() + BELIEVED_MS });
    return tenant;
  }
}
