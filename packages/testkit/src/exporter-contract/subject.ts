import type { RuntimeEvent } from "@sandglass/protocol";
import type { ExporterDefinition } from "@sandglass/telemetry";

export interface TransientFault {
  /** Behind "a destination that". */
  what: string;
  /** What `lastError` must say. */
  says: RegExp;
  /** It is met by giving up an attempt that takes too long. */
  isSlow?: boolean;
}

/** What passes: the destination is back some day, and everything waits for it. */
export const TRANSIENT_FAULTS = {
  unavailable: { what: "takes no connections, or says it is down", says: /503|refused|unavailable|closed/i },
  hang: { what: "takes what it is sent and never answers", says: /timed out/i, isSlow: true },
  slowDrip: { what: "answers byte by byte", says: /timed out/i, isSlow: true },
  resetMidBody: {
    what: "cuts the connection in the middle of its answer",
    says: /reset|cut|closed|dropped|ended|aborted|hang up|terminated/i,
  },
  wrongContentType: { what: "answers with a page that somebody else made", says: /html|content.type/i },
  unauthorized: { what: "knows the credentials no more", says: /401|auth|denied|permission/i },
  dnsFailure: { what: "has a name that is not found", says: /ENOTFOUND|not found|no such host|resol/i },
  tlsFailure: { what: "has a certificate that nobody vouches for", says: /certificate|self.signed/i },
  fullDisk: { what: "is on a disk that is full", says: /ENOSPC|no space/i },
  pathGone: {
    what: "is where there is nothing any more",
    says: /ENOENT|ENOTDIR|no such file|not a directory/i,
  },
} as const satisfies Record<string, TransientFault>;
export type TransientFaultName = keyof typeof TRANSIENT_FAULTS;

/** What is asked of an exporter besides: `retryAfter`, `poison`, `partialSuccess`. */
export type FaultName = TransientFaultName | keyof SpecialFaults;
export const FAULT_NAMES = [
  ...(Object.keys(TRANSIENT_FAULTS) as TransientFaultName[]),
  "retryAfter",
  "poison",
  "partialSuccess",
] as const satisfies readonly FaultName[];

/** A destination that misbehaves from now on. */
export interface Fault {
  /** Resolves when it does what it should again. */
  end(): Promise<void>;
  /** Where the mistake is in the configuration: the exporter has this one while it lasts. */
  config?: object;
  /** What `lastError` must say; default as in {@link TRANSIENT_FAULTS}. */
  says?: RegExp;
}

/** It names the time before which it wants to hear nothing. */
export interface RetryAfterFault extends Fault {
  afterMs: number;
  /** When it first said so (`performance.now()`); undefined before. Late enough that all that was under way is there. */
  answeredAt(): number | undefined;
  /** When it was asked. */
  attempts(): readonly number[];
}

/** It does not take events that hold a certain text. */
export interface RefusalFault extends Fault {
  /** What the dead-letter file must give as the reason. */
  says: RegExp;
}

interface SpecialFaults {
  /** 429, or what the destination has for it. */
  retryAfter(): Promise<RetryAfterFault>;
  /** Whatever is sent together with an event that holds `marker` is refused, all of it. */
  poison(marker: string): Promise<RefusalFault>;
  /** Only events that hold `marker` are refused, in an answer that takes the others. */
  partialSuccess(marker: string): Promise<RefusalFault>;
}

export type Faults = Partial<Record<TransientFaultName, () => Promise<Fault>>> & Partial<SpecialFaults>;

/** An event as the destination has it. */
export interface ReceivedEvent {
  id: string;
  sandboxId: string;
  seq: number;
  /** All of it, where the destination keeps it as it is: then it has to be what was recorded. */
  event?: RuntimeEvent;
}

/** One destination of its own for one test, with everything in it that the exporter needs. */
export interface ExporterHarness {
  definition: ExporterDefinition;
  /** Sends to the destination, in batches of 5 to 50 that wait some 10 ms to fill. Takes `timeoutMs`, as all exporters do. */
  config(): object;
  /** The environment of the daemon; default none. */
  env?: Readonly<Record<string, string>>;
  /** What must never be seen: at least four characters each. */
  secrets?: readonly string[];
  /** Largest event in bytes that the destination takes; default any. */
  maxEventBytes?: number;
  /** Which events the exporter takes as configured; default all. */
  wants?(event: RuntimeEvent): boolean;
  /** In the order of arrival, also those that came again. Everything that was acknowledged is in it. */
  received(): Promise<ReceivedEvent[]>;
  faults: Faults;
  close(): Promise<void>;
}

export interface ExporterUnderTest {
  guarantees: {
    /** Also where an answer was lost, and after a crash. */
    exactlyOnce: boolean;
    order: "none" | "sandbox" | "total";
  };
  /** Faults that such a destination cannot have, each with the reason. All others are asked of every harness. */
  excused: Partial<Record<FaultName, string>>;
  /** What its definition says of it: then it is also tried in the thread of the exporters, as it runs in a daemon. Default false. */
  mayRunInThread?: boolean;
  start(): Promise<ExporterHarness>;
}

/** Excuses of what has no files: a service that is reached through the network. */
export const NO_FILES: Pick<ExporterUnderTest["excused"], "fullDisk" | "pathGone"> = {
  fullDisk: "it keeps nothing on this host's disk",
  pathGone: "it has no path",
};

/** Excuses of what is reached without any network. */
export const NO_NETWORK: ExporterUnderTest["excused"] = {
  resetMidBody: "nothing is answered",
  slowDrip: "nothing is answered",
  wrongContentType: "nothing is answered",
  unauthorized: "there are no credentials",
  dnsFailure: "there is no name to look up",
  tlsFailure: "there is no connection",
  retryAfter: "nobody names a time",
  partialSuccess: "nothing is answered",
};

/** Has a label longer than DNS allows: looking it up fails at once, with or without a network. */
export const UNRESOLVABLE_HOST = `${"no-such-host-".repeat(5)}x.invalid`;
