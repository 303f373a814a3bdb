/** An event as the checker knows it: what every one has, and of `data` what the rules are about. */
export interface RecordedEvent {
  id: string;
  seq: number;
  timestamp: string;
  type: string;
  sandboxId: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  data: {
    execId?: string;
    cause?: string;
    path?: string;
    sizeBytes?: number;
    exitCode?: number;
    stdoutBytes?: number;
    stderrBytes?: number;
    stream?: "stdout" | "stderr";
    offset?: number;
    bytes?: number;
    durationMs?: number;
  };
}

const FORMS: Readonly<Record<string, RegExp>> = {
  id: /^evt_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  timestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/,
  type: /^[a-z]+\.[a-z_]+$/,
  level: /^(debug|info|warn|error)$/,
  sandboxId: /^(sbx_[0-7][0-9a-hjkmnp-tv-z]{25})?$/,
  runId: /^(run_[A-Za-z0-9_-]{1,64})?$/,
  traceId: /^(?!0{32})[0-9a-f]{32}$/,
  spanId: /^(?!0{16})[0-9a-f]{16}$/,
  parentSpanId: /^((?!0{16})[0-9a-f]{16})?$/,
};

/** The event that a record holds, or a sentence on why it holds none. */
export function parseRecorded(payload: Buffer): RecordedEvent | string {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch (error) {
    return `it is no JSON: ${(error as Error).message}`;
  }
  for (const [field, form] of Object.entries(FORMS)) {
    const text = value[field];
    if (typeof text !== "string" || !form.test(text)) return `its ${field} is ${JSON.stringify(text)}`;
  }
  if (!Number.isSafeInteger(value.seq) || (value.seq as number) < 1) return `its seq is ${value.seq}`;
  if (typeof value.data !== "object" || value.data === null) return "it has no data";
  return value as unknown as RecordedEvent;
}
