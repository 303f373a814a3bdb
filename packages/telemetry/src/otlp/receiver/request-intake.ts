import { SandglassError } from "@sandglass/protocol";
import type { Signal } from "../model.ts";
import { OutputBuffer } from "../relay/output-buffer.ts";
import { stampJsonRequest } from "../relay/stamp-json-request.ts";
import { stampRequest } from "../relay/stamp-request.ts";
import { addCounts } from "./add-counts.ts";
import { dropPoints } from "./drop-points.ts";
import type { Encoding } from "./export-answer.ts";
import type { IntakeAnswer, Refusal, RequestSink } from "./intake.ts";
import { DEFAULT_INTAKE_LIMITS, type IntakeLimits } from "./intake-limits.ts";
import { MetricStreams } from "./metric-streams.ts";
import { RETRY_MS, RequestPermit, type SharedIntake } from "./request-permit.ts";
import type { Tenant, TenantCounts, Transport } from "./tenant.ts";
import { emptyCounts, TenantAccount } from "./tenant-account.ts";

const OK: IntakeAnswer = { status: "ok" };
const NO_ROOM = "too much of this sender waits to be delivered";
const NOT_READY = "this sandbox belongs to nobody yet";

export interface IntakeOptions extends Partial<IntakeLimits> {
  readonly sink: RequestSink;
  /** Told of what went wrong here, which senders are not told. Default: nobody is. */
  readonly onError?: (error: unknown) => void;
  /** Any clock in milliseconds that only goes forward. Default `performance.now`. */
  readonly now?: () => number;
}

/**
 * Takes requests from every transport: holds each sender to its limits, stamps what it sends, and makes it durable.
 *
 * @example
 * const permit = intake.admit(tenant, contentLength);
 * if ("status" in permit) return refuse(permit);
 * const body = await read(permit);
 * const answer = await intake.accept(permit, "traces", body, "protobuf");
 */
export class RequestIntake {
  readonly #sink: RequestSink;
  readonly #onError: (error: unknown) => void;
  readonly #accounts = new Map<string, TenantAccount>();
  readonly #shared: SharedIntake;
  readonly #output = new OutputBuffer();
  /** Who waits for an account to have no request left. */
  readonly #waiting = new Map<TenantAccount, (() => void)[]>();

  constructor({ sink, onError = () => {}, now = () => performance.now(), ...limits }: IntakeOptions) {
    this.#sink = sink;
    this.#onError = onError;
    this.#shared = {
      limits: { ...DEFAULT_INTAKE_LIMITS, ...limits },
      heldBytes: 0,
      now,
      onOver: (account) => this.#onOver(account),
    };
  }

  get limits(): IntakeLimits {
    return this.#shared.limits;
  }

  /** Bytes in flight, of all tenants. */
  get heldBytes(): number {
    return this.#shared.heldBytes;
  }

  /**
   * Asked before a request's body is read. A permit has to come to an end: see {@link RequestPermit}.
   *
   * @param contentLength of the body as it is sent. Default 0, for one that is not known: `receive` is called for every piece then.
   * @param transport for the counts
   */
  admit(tenant: Tenant, contentLength = 0, transport: Transport = "http"): RequestPermit | Refusal {
    const account = this.#accountOf(tenant.id);
    const permit = new RequestPermit(tenant, account, transport, this.#shared);
    const { workMsPerSecond } = this.limits;
    const now = this.#shared.now();
    if (tenant.stamp === undefined) return permit.refuse("not_ready", NOT_READY, RETRY_MS);
    const waitMs = Math.max(
      account.work.waitFor(1, workMsPerSecond, now),
      account.items.waitFor(1, tenant.limits.itemsPerSecond, now),
    );
    if (waitMs > 0) return permit.refuse("rate_limited", "this sender has sent too much of late", waitMs);
    // One that no log has room for is too large, whatever else is in it.
    return permit.receive(contentLength) ?? this.#ifThereIsRoom(permit, contentLength) ?? permit;
  }

  /**
   * Stamps the request and makes it durable. Ends the permit. What it holds is held until then: the log has a copy of its own.
   *
   * @param body an `Export…ServiceRequest`, not compressed; it is not needed any more when this returns (not: resolves)
   */
  async accept(
    permit: RequestPermit,
    signal: Signal,
    body: Uint8Array,
    encoding: Encoding,
  ): Promise<IntakeAnswer> {
    const { tenant } = permit;
    if (permit.isOver) return permit.refuse("unavailable", "its sender is gone");
    const taken = this.#take(permit, signal, body, encoding);
    if ("status" in taken) return taken;
    const { bytes, items, rejected } = taken;
    if (items > 0) {
      const full = this.#ifThereIsRoom(permit, bytes.length);
      if (full !== undefined) {
        permit.account.lost(signal, items, permit.transport, full.reason);
        return full;
      }
      try {
        await this.#sink.append({ tenant, signal, bytes, items });
      } catch (error) {
        const refusal = this.fail(permit, error);
        permit.account.lost(signal, items, permit.transport, refusal.reason);
        return refusal;
      }
    }
    permit.accepted(signal, items);
    if (rejected === 0) return OK;
    permit.account.rejected("metric_streams", rejected, permit.transport);
    const { metricStreams } = tenant.limits;
    const message = `this sender may have ${metricStreams} streams of metrics; data points of others were left out`;
    return { status: "ok", rejected: { items: rejected, message } };
  }

  #ifThereIsRoom(permit: RequestPermit, bytes: number): Refusal | undefined {
    const waitMs = this.#sink.waitFor?.(permit.tenant, bytes) ?? 0;
    return waitMs > 0 ? permit.refuse("log_share", NO_ROOM, waitMs) : undefined;
  }

  /** Ends a permit for what went wrong here: the sender is told to try again. */
  fail(permit: RequestPermit, error: unknown): Refusal {
    if (error instanceof SandglassError && error.code === "PAYLOAD_TOO_LARGE") {
      return permit.refuse("too_large", "the request is larger than what can be kept");
    }
    this.#onError(error);
    return permit.refuse("unavailable", "telemetry cannot be kept at the moment", RETRY_MS);
  }

  /** The part that is done at once: what remains of the request, and how many of its items do not. */
  #take(
    permit: RequestPermit,
    signal: Signal,
    body: Uint8Array,
    encoding: Encoding,
  ): { bytes: Uint8Array; items: number; rejected: number } | Refusal {
    const { account, tenant } = permit;
    const { stamp, limits } = tenant;
    if (stamp === undefined) return permit.refuse("not_ready", NOT_READY, RETRY_MS);
    const maxBytes = permit.maxInflatedBytes(encoding);
    if (body.length > maxBytes)
      return permit.refuse("too_large", `the request has more than ${maxBytes} bytes`);
    const startedAt = performance.now();
    // Also what comes with a key is checked: keys get lost, and who has one may not put words into another's mouth.
    const options = { output: this.#output, maxItems: this.limits.maxItems };
    const stamped =
      encoding === "json"
        ? stampJsonRequest(signal, body, stamp, options)
        : stampRequest(signal, body, stamp, options);
    if ("error" in stamped) {
      permit.spendWork(performance.now() - startedAt);
      const { kind, reason } = stamped.error;
      return permit.refuse(kind === "limit" ? "too_large" : "malformed", reason);
    }
    const { bytes, items } = stamped;
    const now = this.#shared.now();
    const waitMs = account.items.waitFor(items, limits.itemsPerSecond, now);
    if (waitMs > 0) {
      permit.spendWork(performance.now() - startedAt);
      account.lost(signal, items, permit.transport, "rate_limited");
      return permit.refuse("rate_limited", "more items a second than this sender may send", waitMs);
    }
    account.items.spend(items, limits.itemsPerSecond, now);
    const beyond = signal === "metrics" ? this.#addStreams(account, bytes, limits.metricStreams) : [];
    const rejected = beyond.length;
    const rest = rejected === 0 ? bytes : dropPoints(bytes, beyond);
    permit.spendWork(performance.now() - startedAt);
    return { bytes: rest, items: items - rejected, rejected };
  }

  #addStreams(account: TenantAccount, bytes: Uint8Array, limit: number): number[] {
    account.streams ??= new MetricStreams();
    return account.streams.add(bytes, limit);
  }

  /** Counts a request that was refused without being admitted. @param reason a `RefusalReason`, or a transport's own word */
  refused(tenant: Pick<Tenant, "id">, reason: string, transport: Transport = "http"): void {
    this.#accountOf(tenant.id).refused(reason, transport);
  }

  /** A connection of the tenant begins. @returns what to call when it is closed; undefined where it may have no more of them */
  connect(tenant: Tenant, transport: Transport = "http"): (() => void) | undefined {
    const account = this.#accountOf(tenant.id);
    if (account.connections >= tenant.limits.connections || this.isFlooding(tenant)) {
      account.refused("connections", transport);
      return undefined;
    }
    account.connections++;
    let isOpen = true;
    return () => {
      if (isOpen) account.connections--;
      isOpen = false;
    };
  }

  /**
   * Counts bytes that are read and thrown away because their request was refused.
   *
   * @returns false where those became so many that its connections are to be cut, without an answer
   */
  waste(tenant: Tenant, bytes: number): boolean {
    const { waste } = this.#accountOf(tenant.id);
    waste.spend(bytes, tenant.limits.bytesPerSecond, this.#shared.now());
    return !this.isFlooding(tenant);
  }

  /** Whether the tenant goes on sending what is refused. */
  isFlooding(tenant: Tenant): boolean {
    const waste = this.#accounts.get(tenant.id)?.waste;
    if (waste === undefined) return false;
    return waste.waitFor(1, tenant.limits.bytesPerSecond, this.#shared.now()) > 0;
  }

  /** Resolves when no request of the tenant is being read or written. */
  settled(tenantId: string): Promise<void> {
    const account = this.#accounts.get(tenantId);
    if (account === undefined || account.requests === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(account);
      if (waiting === undefined) this.#waiting.set(account, [resolve]);
      else waiting.push(resolve);
    });
  }

  /** Over all transports. A copy. */
  counts(tenantId: string): TenantCounts {
    const total = emptyCounts();
    for (const transport of ["http", "grpc"] as const) this.addCountsTo(total, tenantId, transport);
    return total;
  }

  /** Adds what came over one transport. */
  addCountsTo(total: TenantCounts, tenantId: string, transport: Transport): void {
    const account = this.#accounts.get(tenantId);
    if (account !== undefined) addCounts(total, account.counts[transport]);
  }

  /** Forgets its counts, limits and streams; requests that are in flight go on. */
  forget(tenantId: string): void {
    this.#accounts.delete(tenantId);
  }

  #accountOf(tenantId: string): TenantAccount {
    let account = this.#accounts.get(tenantId);
    if (account === undefined) {
      account = new TenantAccount();
      this.#accounts.set(tenantId, account);
    }
    return account;
  }

  #onOver(account: TenantAccount): void {
    if (account.requests > 0) return;
    for (const resolve of this.#waiting.get(account) ?? []) resolve();
    this.#waiting.delete(account);
  }
}
