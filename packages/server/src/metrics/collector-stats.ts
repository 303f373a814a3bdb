/** Of all senders together. */
export interface ReceivedCounts {
  /** Requests that were taken. */
  readonly requests: number;
  /** Their bodies, as they came over the wire. */
  readonly bytes: number;
  readonly spans: number;
  readonly logRecords: number;
  readonly dataPoints: number;
  /** Requests that were not taken, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Items that were left out of requests that were taken, by reason. */
  readonly rejectedItems: Readonly<Record<string, number>>;
  /** Items of requests that were read and then refused. */
  readonly refusedItems: SignalItems;
  /** Items of requests that could not be kept. */
  readonly failedItems: SignalItems;
  /** Of both, what the log had no room for, or could not be written with. */
  readonly unqueuedItems: SignalItems;
}

/** Spans, log records and data points. */
export type SignalItems = Readonly<Record<"traces" | "logs" | "metrics", number>>;

/** Of one destination, or of several together. */
export interface SentItems {
  readonly sent: SignalItems;
  /** In attempts that failed, each as often as it was tried. */
  readonly failed: SignalItems;
}

/** One of the daemon's own destinations of telemetry, counted in requests. */
export interface RelayStats {
  readonly id: string;
  readonly state: string;
  readonly counts: {
    readonly accepted: number;
    readonly delivered: number;
    readonly filtered: number;
    readonly queued: number;
    readonly inFlight: number;
    readonly dropped: Readonly<Record<string, number>>;
  };
  readonly lagMs: number;
  readonly failedAttempts: number;
  readonly items: SentItems;
}

/** What is counted of OTLP since the daemon began, whichever process took it; true at one moment. */
export interface CollectorStats {
  /** By what it came over. */
  readonly received: { readonly http: ReceivedCounts; readonly grpc: ReceivedCounts };
  readonly log: {
    readonly bytes: number;
    readonly appended: number;
    readonly lastPosition: number;
    readonly oldestPosition: number;
  };
  readonly relays: readonly RelayStats[];
  /** All endpoints of sandboxes' owners together, counted in requests. */
  readonly forwarding: {
    readonly destinations: number;
    readonly stalled: number;
    readonly accepted: number;
    readonly delivered: number;
    readonly queued: number;
    readonly dropped: Readonly<Record<string, number>>;
    readonly items: SentItems;
  };
  /** Lines of output that became log records, or did not, since the daemon began. */
  readonly outputLines: { readonly told: number; readonly leftOut: number };
  readonly derived: {
    readonly events: Readonly<Record<string, number>>;
    readonly unknownModels: Readonly<Record<string, number>>;
    /** Requests of sandboxes that were not looked into, for there were too many. */
    readonly skipped: number;
    readonly malformed: number;
  };
  /** Whether there is a process that serves. */
  readonly isUp: boolean;
  /** How often one took the place of another. */
  readonly restarts: number;
  readonly cpuMs: number;
  readonly rssBytes: number;
}

/** Where the latest is found; all zeros while the process has not said anything. */
export interface CollectorStatsSource {
  snapshot(): CollectorStats;
}
