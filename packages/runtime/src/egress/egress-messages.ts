import type { EgressOptions } from "@sandglass/protocol";
import type { DenialReason, OwnerRefusal } from "./egress-policy.ts";
import type { UpstreamProxy } from "./upstream-proxy.ts";

/** One end of a connection inside a sandbox: the program's, by which its owner is found. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** What the daemon says to the proxy's process. */
export type ProxyCommand =
  /** Comes with a listening socket of the sandbox. */
  | {
      kind: "serve";
      call: number;
      sandboxId: string;
      options: EgressOptions;
      isTrusted: boolean;
      /** Has a secret in it, which is why it is said here. */
      upstream?: UpstreamProxy | undefined;
    }
  /** Cuts what is open and closes the socket; answered when all of it has been reported. */
  | { kind: "drop"; call: number; sandboxId: string }
  | { kind: "ping"; call: number }
  /** Whose request it is has been found out or cannot be known here, and there is room in the record; or why it is refused. */
  | { kind: "owned"; request: number; refusal?: OwnerRefusal | undefined };

/** What is known of something that is over, or not let out. */
export type ProxyReport =
  /** A request has come in: it waits until it is "owned". Numbers count up over all sandboxes. */
  | { kind: "request"; request: number; sandboxId: string; peer: SocketAddress }
  | { kind: "denied"; request: number; sandboxId: string; host: string; port: number; reason: DenialReason }
  /** Let out; "closed" follows, unless the process ends first. */
  | { kind: "opened"; request: number; sandboxId: string; host: string; port: number }
  | { kind: "traffic"; request: number; sandboxId: string; bytesIn: number; bytesOut: number }
  | {
      kind: "closed";
      request: number;
      sandboxId: string;
      host: string;
      port: number;
      bytesIn: number;
      bytesOut: number;
      durationMs: number;
      error?: string;
    };

export type ProxyAnswer = { kind: "result"; call: number; error?: string };

/** Reports of one sandbox that no request is known of: it never came so far. */
export const NO_REQUEST = 0;
