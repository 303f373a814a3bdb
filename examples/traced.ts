// One trace from this program to the process inside. Needs a daemon: `./bin/sandglass serve` in another terminal.
// docs/sdk-tracing.md shows where the spans go: to OpenTelemetry's console exporter, or over OTLP.
import { trace } from "@opentelemetry/api";
import { Client, type TraceSpan } from "sandglass";

const client = new Client();
const tracer = trace.getTracer("traced-example");

// Without a provider this span is a no-op, and the sandbox's trace begins at the daemon.
const traceId = await tracer.startActiveSpan("count words", async (span) => {
  try {
    await using sandbox = await client.createSandbox("python");
    const { result } = await sandbox.runCode("len('code runs in here'.split())");
    console.log("words:", result?.["text/plain"]);
    return sandbox.traceId;
  } finally {
    span.end();
  }
});

// What the daemon knows of it: its own spans, and the ids of those above.
const { spans } = await client.traces.get(traceId);
const known = new Set(spans.map(({ spanId }) => spanId));
const print = (span: TraceSpan, indent: string): void => {
  console.log(`${indent}${span.name}`);
  for (const child of spans) if (child.parentSpanId === span.spanId) print(child, `${indent}  `);
};
for (const span of spans) if (!known.has(span.parentSpanId)) print(span, "  ");

// Sends what the client's own OpenTelemetry still holds, where it has one.
await client.close();
