import type { ProbedStatus } from "./component-status.ts";

/** What one probe found. */
export interface Observation {
  status: ProbedStatus;
  /** Of what it did; absent where that says nothing. */
  latencyMs?: number;
  /** For the operator: a code and a few words, never a URL, a header or what a service answered. */
  reason?: string;
}

/** Something whose status is told. */
export interface Component {
  /** In URLs and events: lower-case letters, digits, `.`, `_`, `-`. */
  id: string;
  name: string;
  group: string;
  isPublic: boolean;
  /** Where it is out, everything is. */
  isCore: boolean;
}

/** A component, and how it is found out how it is. */
export interface Probe extends Component {
  intervalMs: number;
  /** A look that takes longer has failed. */
  timeoutMs: number;
  /**
   * Looks once. What it throws is a major outage; what it began it ends itself, also behind the signal.
   *
   * @param signal fires when the time is over, or the daemon stops
   */
  look(signal: AbortSignal): Promise<Observation>;
}

/** A name as part of an id. */
export function slug(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, "-");
  return plain.replace(/^[-._]+|[-._]+$/g, "").slice(0, 80) || "unnamed";
}
