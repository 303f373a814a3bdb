/** Who calls, and where in which trace: what every operation of the runtime takes beside its own parameters. */
export interface CallContext {
  orgId: string;
  /** "" where none was given. */
  runId: string;
  traceId: string;
  /** The span that caused the operation (the `http_request` span, or the caller's own in-process); "" at a trace's root. */
  parentSpanId: string;
  /** W3C trace-flags byte, passed on unchanged. */
  traceFlags: number;
  tracestate: string;
  baggage: string;
}
