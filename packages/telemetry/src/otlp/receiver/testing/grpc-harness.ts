import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Signal } from "../../model.ts";
import { resourceStamp } from "../../relay/resource-stamp.ts";
import type { TenantOfCall } from "../grpc-connection.ts";
import { OtlpGrpcServer, type OtlpGrpcServerOptions } from "../grpc-server.ts";
import type { AcceptedRequest, RequestSink } from "../intake.ts";
import { type IntakeOptions, RequestIntake } from "../request-intake.ts";
import { DEFAULT_TENANT_LIMITS, type Tenant, type TenantLimits } from "../tenant.ts";

export interface KeptRequest {
  tenantId: string;
  signal: Signal;
  bytes: Buffer;
  items: number;
}

/** Keeps requests in memory. */
export class MemorySink implements RequestSink {
  readonly requests: KeptRequest[] = [];
  /** Awaited before a request is said to be kept. */
  before: (request: AcceptedRequest) => Promise<void> = () => Promise.resolve();

  append(request: AcceptedRequest): Promise<void> {
    const { tenant, signal, items } = request;
    const kept = { tenantId: tenant.id, signal, items, bytes: Buffer.from(request.bytes) };
    return this.before(request).then(() => void this.requests.push(kept));
  }

  of(tenant: Tenant): KeptRequest[] {
    return this.requests.filter(({ tenantId }) => tenantId === tenant.id);
  }
}

export type HarnessOptions = Omit<OtlpGrpcServerOptions, "intake"> & { intake?: Omit<IntakeOptions, "sink"> };

/** A receiver of OTLP/gRPC with a port for each tenant, as sandboxes have one each. */
export class GrpcHarness implements AsyncDisposable {
  readonly sink: MemorySink = new MemorySink();
  readonly intake: RequestIntake;
  readonly server: OtlpGrpcServer;
  readonly faults: unknown[] = [];
  readonly #listeners: Server[] = [];
  /** The server's ends of connections. */
  readonly sockets: Socket[] = [];

  constructor({ intake, ...options }: HarnessOptions = {}) {
    this.intake = new RequestIntake({
      sink: this.sink,
      onError: (error) => this.faults.push(error),
      ...intake,
    });
    this.server = new OtlpGrpcServer({ intake: this.intake, ...options });
  }

  /** @param whose all its calls', or by their headers. @returns the port */
  async listen(whose: TenantOfCall): Promise<number> {
    const listener = createServer((socket) => {
      this.sockets.push(socket);
      if (typeof whose === "function") this.server.serveCalls(socket, whose);
      else this.server.serve(socket, whose);
    });
    this.#listeners.push(listener);
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    return (listener.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    await this.server.close(0);
  }
}

/** A sandbox with an owner, unless it is said to have none. */
export function tenantNamed(id: string, limits: Partial<TenantLimits> = {}, hasOwner = true): Tenant {
  const stamp = hasOwner ? resourceStamp({ "sandglass.sandbox.id": id }) : undefined;
  return { id, origin: "sandbox", stamp, limits: { ...DEFAULT_TENANT_LIMITS, ...limits } };
}
