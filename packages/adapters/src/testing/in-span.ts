import { createRequire } from "node:module";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";

// The copy that the SDK has. Where a checkout holds several, one that reads must not be newer than the one that registered.
const { context, ROOT_CONTEXT, trace } = createRequire(import.meta.resolve("sandglass"))(
  "@opentelemetry/api",
) as typeof import("@opentelemetry/api");

context.setGlobalContextManager(new AsyncLocalStorageContextManager());

/** Runs `work` inside a span, as a framework's own instrumentation has it. */
export function inSpan<T>(traceId: string, work: () => Promise<T>): Promise<T> {
  const span = trace.wrapSpanContext({ traceId, spanId: "00f067aa0ba902b7", traceFlags: 1 });
  return context.with(trace.setSpan(ROOT_CONTEXT, span), work);
}
