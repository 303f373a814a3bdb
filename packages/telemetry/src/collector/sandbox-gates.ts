import type { OtlpGrpcServer } from "../otlp/receiver/grpc-server.ts";
import type { OtlpHttpServer } from "../otlp/receiver/http-server.ts";
import type { RequestIntake } from "../otlp/receiver/request-intake.ts";
import type { TenantCounts, TenantLimits } from "../otlp/receiver/tenant.ts";
import type { CollectorDelivery } from "./collector-delivery.ts";
import type { SandboxOwner } from "./messages.ts";
import type { ReceivedCounts } from "./received-counts.ts";
import { SandboxGate } from "./sandbox-gate.ts";
import { SandboxTenant } from "./sandbox-tenant.ts";
import { serveHttpOrGrpc } from "./serve-http-or-grpc.ts";

/** Longest that a closed connection's last request is waited for. */
const DRAIN_MS = 2_000;

export interface SandboxGatesParts {
  http: OtlpHttpServer;
  grpc: OtlpGrpcServer;
  intake: RequestIntake;
  limits: TenantLimits;
  counts: ReceivedCounts;
  delivery: CollectorDelivery;
}

/** The sandboxes that are listened to. */
export class SandboxGates {
  readonly #parts: SandboxGatesParts;
  readonly #gates = new Map<string, SandboxGate>();

  constructor(parts: SandboxGatesParts) {
    this.#parts = parts;
  }

  /** @param socket a listening one, in the sandbox's own network */
  async attach(sandboxId: string, transport: "http" | "grpc", socket: object): Promise<void> {
    const { limits, counts } = this.#parts;
    let gate = this.#gates.get(sandboxId);
    if (gate === undefined) {
      gate = new SandboxGate(new SandboxTenant(sandboxId, limits));
      this.#gates.set(sandboxId, gate);
      counts.add(sandboxId);
    }
    await gate.listen(socket, (connection, tenant) => {
      if (transport === "http") serveHttpOrGrpc(connection, tenant, this.#parts);
      else this.#parts.grpc.serve(connection, tenant);
    });
  }

  /**
   * @returns the destination that its owner named; "" where none
   * @throws SandglassError INVALID_REQUEST for one that cannot be
   */
  async claim(sandboxId: string, owner: SandboxOwner): Promise<string> {
    const gate = this.#gates.get(sandboxId);
    if (gate === undefined) throw new Error(`${sandboxId} is not listened to`);
    const destinationId = await this.#parts.delivery.acquire(sandboxId, owner);
    gate.tenant.claim({ ...owner, destinationId });
    return destinationId;
  }

  /** What each has sent. */
  *counts(): Iterable<[id: string, counts: TenantCounts]> {
    for (const sandboxId of this.#gates.keys()) yield [sandboxId, this.#parts.counts.of(sandboxId)];
  }

  /** Resolves when all it had sent is in the log, with what that was. */
  async detach(sandboxId: string): Promise<TenantCounts | undefined> {
    const gate = this.#gates.get(sandboxId);
    if (gate === undefined) return undefined;
    this.#gates.delete(sandboxId);
    await gate.close();
    // Its connections are closed; what came over them may still be on its way into the log.
    await Promise.all([this.#parts.http.drained(sandboxId), this.#parts.grpc.drained(sandboxId, DRAIN_MS)]);
    const counts = this.#parts.counts.of(sandboxId);
    this.#parts.counts.remove(sandboxId);
    return counts;
  }

  destroy(): void {
    for (const gate of this.#gates.values()) gate.destroy();
    this.#gates.clear();
  }
}
