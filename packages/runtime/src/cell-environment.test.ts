import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CellEnvironments } from "./cell-environment.ts";
import { withTelemetry } from "./telemetry-environment.ts";

const trace = { TRACEPARENT: "00-1-2-01" };
const identity = { sandboxId: "sbx_1", template: "python", runId: "" };
const ATTRIBUTES = "sandglass.sandbox.id=sbx_1,sandglass.template.id=python";

const collected = (own: Readonly<Record<string, string>>): Record<string, string> =>
  withTelemetry({ PATH: "/bin", ...own }, identity);
const uncollected = (own: Readonly<Record<string, string>>): Record<string, string> => ({
  PATH: "/bin",
  ...own,
});

describe("what a cell brings into its interpreter", () => {
  test("is the creation's environment under its own under its trace, what the trace lacks cleared", () => {
    const { env, own } = new CellEnvironments({ A: "1", B: "1", TRACEPARENT: "forged" }, uncollected).of(
      { B: "2", C: "2" },
      trace,
    );
    assert.deepEqual(env, { A: "1", B: "2", C: "2", ...trace, TRACESTATE: "", BAGGAGE: "" });
    assert.deepEqual(own, ["B", "C"]);
  });

  test("who sends telemetry comes with the first cell alone, so that a cell may change it for the next", () => {
    const { env, own, initial } = new CellEnvironments({}, collected).of({}, trace);
    assert.deepEqual(initial, { OTEL_SERVICE_NAME: "python", OTEL_RESOURCE_ATTRIBUTES: ATTRIBUTES });
    assert.deepEqual(Object.keys(env).sort(), ["BAGGAGE", "TRACEPARENT", "TRACESTATE"]);
    assert.deepEqual(own, []);
  });

  test("what the creation says of it is part of that", () => {
    const { env, initial } = new CellEnvironments(
      { OTEL_SERVICE_NAME: "mine", OTEL_RESOURCE_ATTRIBUTES: "team=a" },
      collected,
    ).of({}, trace);
    assert.deepEqual(initial, {
      OTEL_SERVICE_NAME: "mine",
      OTEL_RESOURCE_ATTRIBUTES: `${ATTRIBUTES},team=a`,
    });
    assert.ok(!("OTEL_SERVICE_NAME" in env));
  });

  test("a cell with a name or attributes of its own has them, ours in front, and the next has what was before", () => {
    const { env, own, base, initial } = new CellEnvironments({ OTEL_SERVICE_NAME: "mine" }, collected).of(
      { OTEL_RESOURCE_ATTRIBUTES: "team=a" },
      trace,
    );
    assert.equal(env.OTEL_RESOURCE_ATTRIBUTES, `${ATTRIBUTES},team=a`);
    assert.equal(env.OTEL_SERVICE_NAME, "mine");
    assert.deepEqual(own.toSorted(), ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME"]);
    assert.equal(base.OTEL_RESOURCE_ATTRIBUTES, ATTRIBUTES);
    assert.equal(initial?.OTEL_RESOURCE_ATTRIBUTES, ATTRIBUTES);
  });

  test("without a collector nothing is said of telemetry but what the user says", () => {
    const { env, initial } = new CellEnvironments({ OTEL_SERVICE_NAME: "mine" }, uncollected).of({}, trace);
    assert.deepEqual(initial, { OTEL_SERVICE_NAME: "mine" });
    assert.deepEqual(Object.keys(env).sort(), ["BAGGAGE", "TRACEPARENT", "TRACESTATE"]);
  });
});
