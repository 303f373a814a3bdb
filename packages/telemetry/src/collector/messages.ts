import type { FlushResult, SandboxTelemetry, TelemetryDelivery } from "@sandglass/protocol";
import type { ExporterOptions, ExporterOwner } from "../delivery/exporter-options.ts";
import type { RetryOptions } from "../delivery/retry-schedule.ts";
import type { DerivedEvent } from "../derive/derived-event.ts";
import type { PriceOverrides } from "../derive/price-table.ts";
import type { Environment } from "../exporters/definition.ts";
import type { LogUpdate } from "../log/log-feed.ts";
import type { Durability } from "../log/log-options.ts";
import type { Erased } from "../log/rewrite-segment.ts";
import type { TenantCounts, TenantLimits, Transport } from "../otlp/receiver/tenant.ts";
import type { Erasure } from "../record/erasure.ts";
import type { SentItemCounts } from "./sent-items.ts";
import type { TelemetryHead } from "./telemetry-record.ts";

/** What the collector's process is started with. */
export interface CollectorSettings {
  /** Absolute. `telemetry/` and `otel-destinations/` below it are the collector's. */
  dataDir: string;
  durability: Durability;
  /** Of the log of telemetry. */
  maxBytes: number;
  maxAgeMs?: number | undefined;
  limits: Partial<TenantLimits>;
  /** The daemon's own, for what exporters take from there. */
  env: Environment;
  cwd: string;
  ownOrigins: readonly string[];
  retry: Partial<RetryOptions>;
  /** Where programs of the host send OTLP to, beside the daemon's own port. */
  listen?:
    | {
        host: string;
        httpPort: number;
        grpcPort: number;
        /** Absent speaks plain HTTP and gRPC. */
        tls?: PortIdentity | undefined;
      }
    | undefined;
  derive: { captureContent: boolean; prices: PriceOverrides };
}

/** With what these ports prove whose they are: a certificate chain and its key, in PEM form. */
export interface PortIdentity {
  cert: Buffer;
  key: Buffer;
}

/** Whose telemetry a sandbox sends; see `TelemetryOwner` of the runtime. */
export interface SandboxOwner {
  orgId: string;
  template: string;
  runId: string;
  destination?: { env: Readonly<Record<string, string>> } | undefined;
  /** Whether its endpoint may be on a private network. */
  isTrusted: boolean;
}

/** One of the daemon's own destinations. */
export interface RelayTarget {
  id: string;
  options: ExporterOptions;
  owner: ExporterOwner;
}

/** To the collector. Each is answered by a `result` of the same number. */
export type CollectorCommand =
  | { kind: "start"; settings: CollectorSettings }
  /** Comes with the socket. */
  | { kind: "attach"; sandboxId: string; transport: "http" | "grpc" }
  | { kind: "claim"; sandboxId: string; owner: SandboxOwner }
  | { kind: "detach"; sandboxId: string }
  /** Of a sandbox that is forwarded: what the host says of it, and that there is no more to come. */
  | { kind: "append"; records: { head: TelemetryHead; body: Uint8Array }[] }
  | { kind: "end"; sandboxIds: string[] }
  /** The same of all that the process found when it began, and nobody claimed since. */
  | { kind: "endBefore" }
  | { kind: "relay"; targets: RelayTarget[] }
  | { kind: "retry"; id: string }
  /** New connections of the ports are shown this certificate. */
  | { kind: "renew"; tls: PortIdentity }
  /** Of a target that is not there any more: its place is dropped too. */
  | { kind: "forget"; id: string }
  | { kind: "flush"; timeoutMs: number; ids?: string[] | undefined }
  /** Answered when nothing of it is in the log of telemetry, and what was made of it before is recorded. */
  | { kind: "erase"; erasure: Erasure }
  | { kind: "stop"; deadlineMs: number };

export type CollectorCall = CollectorCommand & { call: number };

/** How one of the daemon's own destinations is doing with telemetry, counted in requests. */
export type RelayInfo = TelemetryDelivery & { id: string; items: SentItemCounts };

/** What the collector counts; true at one moment. */
export interface CollectorSnapshot {
  /** Of all senders, since the collector's process began. */
  received: Record<Transport, TenantCounts>;
  log: { bytes: number; appended: number; lastPosition: number; oldestPosition: number };
  relays: RelayInfo[];
  forwarding: ForwardSnapshot;
  derived: DerivedSnapshot;
  cpuMs: number;
  rssBytes: number;
}

/** What was looked into for what agents say. */
export interface DerivedSnapshot {
  events: Record<string, number>;
  unknownModels: Record<string, number>;
  /** Requests that were not looked into, for their sandbox sent too much of it. */
  skipped: number;
  /** Requests that could not be read. */
  malformed: number;
}

/** Of all endpoints of sandboxes' owners together, counted in requests. */
export interface ForwardSnapshot {
  destinations: number;
  stalled: number;
  accepted: number;
  delivered: number;
  queued: number;
  dropped: Record<string, number>;
  items: SentItemCounts;
}

/** From the collector. What has a `call` and is no result is answered by a {@link DaemonAnswer}. */
export type CollectorReport =
  | { kind: "pong" }
  | { kind: "result"; call: number; value?: CollectorValue | undefined; error?: WireError }
  | { kind: "snapshot"; snapshot: CollectorSnapshot }
  /** What those sandboxes sent that sent something since this was told last. */
  | { kind: "sandboxes"; sent: Record<string, SandboxTelemetry> }
  /** What there is to read in the log of telemetry, for readers elsewhere. */
  | { kind: "log"; update: LogUpdate }
  /** `id` as events name it. */
  | { kind: "stalled"; id: string; orgId: string | undefined; reason: string; lagEvents: number }
  | { kind: "recovered"; id: string; orgId: string | undefined; stalledMs: number }
  | { kind: "problem"; message: string; error?: string }
  /** May the bearer of this header send, and for whom? */
  | { kind: "authorize"; call: number; authorization: string }
  | { kind: "derived"; call: number; events: OwnedDerivedEvent[] };

/** To the collector, beside commands. */
export type DaemonAnswer =
  | { kind: "ping" }
  /** What was said of keys before may be wrong by now. */
  | { kind: "keysChanged" }
  | { kind: "authorized"; call: number; orgId: string | undefined }
  | { kind: "recorded"; call: number; error?: string };

export type CollectorValue =
  | FlushResult
  | Erased
  | CollectorPlaces
  | { destinationId: string }
  /** Of a sandbox that was detached. */
  | SandboxTelemetry;

/** Where the collector's process is, and what it found. */
export interface CollectorPlaces {
  /** Of OTLP/HTTP for programs with a key, as the daemon's own port passes it on. */
  socketPath: string;
  listening?: { http: string; grpc: string } | undefined;
}

/** What was derived, and whose it is. */
export interface OwnedDerivedEvent extends DerivedEvent {
  orgId: string;
  sandboxId: string;
  runId: string;
}

/** An error on its way between processes. */
export interface WireError {
  message: string;
  code?: string | undefined;
  hint?: string | undefined;
}
