import type { SandboxTelemetry } from "@sandglass/protocol";

/** A listening socket as Node hands it around; opaque here. Whoever has it closes it, or hands it on. */
export type SocketHandle = object;

/** What the collector serves a sandbox on. */
export interface SandboxSockets {
  /** 127.0.0.1:4318 of the sandbox. */
  readonly http: SocketHandle;
  /** 127.0.0.1:4317 of the sandbox. */
  readonly grpc: SocketHandle;
}

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
  /** The destination was named by the operator, or by a caller who may do what the operator may: it may be on any network. */
  readonly isTrusted: boolean;
}

/** Takes what programs inside sandboxes send with OTLP. */
export interface SandboxCollector {
  /** Asked before a sandbox is taken for this owner. @throws SandglassError INVALID_REQUEST for a destination that cannot be */
  check?(owner: TelemetryOwner): void;
  /**
   * Serves both sockets from now on. What comes in before {@link claim} is told to try again.
   *
   * @param open the sockets, to be closed by the collector; it may ask anew for others once those are closed. Rejects where the
   *   sandbox has gone
   */
  attach(sandboxId: string, open: () => Promise<SandboxSockets>): Promise<void>;
  /**
   * From now on what it sends belongs to this owner. Resolves when that holds for whatever connects. A SandglassError that it
   * rejects with is the caller's to see.
   */
  claim(sandboxId: string, owner: TelemetryOwner): Promise<void>;
  /** What a sandbox that is attached has sent, a moment ago; undefined where that is nothing, or nobody counts. */
  telemetryOf?(sandboxId: string): SandboxTelemetry | undefined;
  /**
   * Its processes are gone: resolves when everything they had sent is taken, and lets go of its sockets. With all that it sent, as
   * {@link telemetryOf}.
   */
  detach(sandboxId: string): Promise<SandboxTelemetry | undefined>;
}
