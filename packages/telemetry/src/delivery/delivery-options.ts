import type { Environment, ExporterProviders } from "../exporters/definition.ts";
import type { Recorder } from "../recorder.ts";
import type { RetryOptions } from "./retry-schedule.ts";

export interface DeliveryOptions {
  recorder: Recorder;
  /** Absolute; `dead-letters/` below it is the delivery's. */
  dataDir: string;
  registry: ExporterProviders;
  /** Default `process.env`. */
  env?: Environment;
  /** Default the working directory. */
  cwd?: string;
  /** Where this daemon is reached: no exporter may send there. */
  ownOrigins?: readonly string[];
  retry?: Partial<RetryOptions>;
  /** Whether exporters that may run in a thread of their own do; false for tests of one of the two. Default true. */
  usesThread?: boolean;
  /** What no event and no answer says; must not throw. */
  onProblem?: (message: string, error?: unknown) => void;
}

/** Of a change of one exporter. */
export interface ChangeTerms {
  /** Ids that one without must not be given. */
  reserved?: Iterable<string>;
  /** Called behind every wait, directly before the change is made. What it throws is the change's failure. */
  confirm?: (() => void) | undefined;
}
