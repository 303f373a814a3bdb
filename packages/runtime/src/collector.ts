/** A listening socket as Node hands it around; opaque here. */
export type SocketHandle = object;

/** Where a sandbox's owner wants its telemetry, as the standard variables of OpenTelemetry say it. Secret: it stays on the host. */
export interface TelemetryDestination {
  /** Of `OTEL_EXPORTER_OTLP_ENDPOINT` and its relatives, by name; at least one endpoint. */
  readonly env: Readonly<Record<string, string>>;
}

/** Whose telemetry a sandbox sends. */
export interface TelemetryOwner {
  readonly orgId: string;
  readonly template: string;
  /** "" where none was given. */
  readonly runId: string;
  readonly destination?: TelemetryDestination | undefined;
}

/** Takes what programs inside sandboxes send with OTLP. */
export interface SandboxCollector {
  /** Serves both sockets from now on. What comes in before {@link claim} is told to try again. */
  attach(
    sandboxId: string,
    sockets: { readonly http: SocketHandle; readonly grpc: SocketHandle },
  ): Promise<void>;
  /** From now on what it sends belongs to this owner. Resolves when that holds for whatever connects. */
  claim(sandboxId: string, owner: TelemetryOwner): Promise<void>;
  /** Its processes are gone: resolves when everything they had sent is taken, and lets go of its sockets. */
  detach(sandboxId: string): Promise<void>;
}
