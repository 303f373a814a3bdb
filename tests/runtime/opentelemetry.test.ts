import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { CallContext, ExecRequest } from "@sandglass/protocol";
import type { SandboxHandle } from "@sandglass/runtime";
import { callContext, run, startRuntime, type TestRuntime } from "@sandglass/testkit";
import { type SdkPackages, sdkPackages } from "./opentelemetry-packages.ts";

interface Subject {
  language: "python" | "javascript";
  /** Starts the SDK. */
  start: string;
  /** Prints the trace id, the parent's span id, the tracestate and the baggage of a span that it makes. */
  span: string;
  /** The same, some turns of the event loop later. */
  later: string;
  /** Prints whether anything of OpenTelemetry is loaded. */
  loaded: string;
}

const PYTHON: Subject = {
  language: "python",
  start: `
from opentelemetry import baggage, trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("test")
def show():
    with tracer.start_as_current_span("work") as span:
        parent = f"{span.parent.span_id:016x}" if span.parent else "none"
        state = span.get_span_context().trace_state.to_header()
        print(f"{span.get_span_context().trace_id:032x} {parent} {state} {dict(baggage.get_all())}")
`,
  span: "show()",
  later: `
import asyncio
async def child():
    await asyncio.sleep(0)
    show()
await asyncio.gather(child(), asyncio.sleep(0.001))
`,
  loaded: `import sys\nprint(any("opentelemetry" in name for name in sys.modules))`,
};

const JAVASCRIPT: Subject = {
  language: "javascript",
  start: `
var { context, propagation, trace } = require("/opt/otel-node/node_modules/@opentelemetry/api");
var { NodeTracerProvider } = require("/opt/otel-node/node_modules/@opentelemetry/sdk-trace-node");
new NodeTracerProvider().register();
var show = () => trace.getTracer("test").startActiveSpan("work", (span) => {
  const { traceId, traceState } = span.spanContext();
  const entries = (propagation.getActiveBaggage()?.getAllEntries() ?? []).map(([key, { value }]) => "'" + key + "': '" + value + "'");
  console.log(traceId, span.parentSpanContext?.spanId ?? "none", traceState?.serialize() ?? "", "{" + entries.join(", ") + "}");
  span.end();
});
`,
  span: "show()",
  later: `
await new Promise((resolve) => setTimeout(resolve, 1));
await Promise.all([1].map(async () => { await null; show(); }));
`,
  loaded: `console.log(globalThis[Symbol.for("opentelemetry.js.api.1")] !== undefined)`,
};

describe("an SDK of OpenTelemetry that an earlier cell has started", () => {
  let packages: SdkPackages;
  let host: TestRuntime;
  let sandbox: SandboxHandle;
  before(
    async () => {
      packages = await sdkPackages();
      host = await startRuntime({
        templates: {
          traced: {
            base: "python",
            mounts: [
              { source: packages.python, target: "/opt/otel-python" },
              { source: packages.node, target: "/opt/otel-node" },
            ],
            env: { PYTHONPATH: "/opt/otel-python" },
          },
        },
        defaults: { idleTimeoutMs: 0, memoryMb: 512 },
      });
      sandbox = await host.create({ template: "traced" });
    },
    { timeout: 400_000 },
  );
  after(async () => {
    await host?.close();
    await packages?.remove();
  });

  for (const { language, start, span, later, loaded } of [PYTHON, JAVASCRIPT]) {
    const cell = async (code: string, caller: CallContext, over: ExecRequest = {}) => {
      const ran = await run(sandbox, { code, language, ...over }, caller);
      assert.equal(ran.exit.code, 0, ran.stderr);
      assert.equal(ran.stderr, "");
      return { line: ran.stdout.trim().toLowerCase(), spanId: ran.info.spanId };
    };

    describe(`in ${language}`, () => {
      test("is not there, and not brought in, before a cell starts it", async () => {
        for (let again = 0; again < 2; again++)
          assert.equal((await cell(loaded, callContext())).line, "false");
        await cell(start, callContext());
        assert.equal((await cell(loaded, callContext())).line, "true");
      });

      test("makes the exec of each cell the parent of its spans, with its tracestate and baggage", async () => {
        for (const caller of [
          callContext({ tracestate: "vendor=1", baggage: "user=alice" }),
          callContext({ baggage: "user=bob" }),
          callContext(),
        ]) {
          const who = /user=(.*)/.exec(caller.baggage)?.[1];
          const { line, spanId } = await cell(span, caller);
          const entries = who === undefined ? "{}" : `{'user': '${who}'}`;
          assert.equal(line, `${caller.traceId} ${spanId} ${caller.tracestate} ${entries}`);
        }
      });

      test("does so for what a cell awaits", async () => {
        const caller = callContext();
        const { line, spanId } = await cell(later, caller);
        assert.equal(line, `${caller.traceId} ${spanId}  {}`);
      });

      test("does so after a pause, and after a cell that failed", async () => {
        await sandbox.pause(callContext());
        await sandbox.resume(callContext());
        const failing = language === "python" ? "show(); raise ValueError()" : "show(); throw new Error()";
        const caller = callContext();
        const failed = await run(sandbox, { code: failing, language }, caller);
        assert.equal(failed.exit.code, 1);
        assert.match(failed.stdout, new RegExp(`^${caller.traceId} ${failed.info.spanId} `));
        const next = callContext();
        const { line, spanId } = await cell(span, next);
        assert.equal(line, `${next.traceId} ${spanId}  {}`);
      });

      test("does not mix between contexts whose cells run at the same time", async () => {
        const contexts = ["one", "two"];
        await Promise.all(contexts.map((contextId) => cell(start, callContext(), { contextId })));
        await Promise.all(
          contexts.map(async (contextId) => {
            const caller = callContext({ baggage: `who=${contextId}` });
            const { line, spanId } = await cell(later, caller, { contextId });
            assert.equal(line, `${caller.traceId} ${spanId}  {'who': '${contextId}'}`);
          }),
        );
      });
    });
  }
});
