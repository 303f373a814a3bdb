import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { withTelemetry } from "./telemetry-environment.ts";

const identity = { sandboxId: "sbx_1", template: "python", runId: "run_7" };
const OURS = "sandglass.sandbox.id=sbx_1,sandglass.template.id=python,sandglass.run.id=run_7";

describe("the environment of a process with a collector", () => {
  test("sends an SDK to the collector inside, as the template, with who it is", () => {
    assert.deepEqual(withTelemetry({ A: "1" }, identity), {
      A: "1",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_SERVICE_NAME: "python",
      OTEL_RESOURCE_ATTRIBUTES: OURS,
    });
  });

  test("names no run where there is none", () => {
    const { OTEL_RESOURCE_ATTRIBUTES } = withTelemetry({}, { ...identity, runId: "" });
    assert.equal(OTEL_RESOURCE_ATTRIBUTES, "sandglass.sandbox.id=sbx_1,sandglass.template.id=python");
  });

  test("attributes of the user's own come behind, as they were given", () => {
    const given = "team=a%2Cb,deployment.environment.name=test";
    const { OTEL_RESOURCE_ATTRIBUTES } = withTelemetry({ OTEL_RESOURCE_ATTRIBUTES: given }, identity);
    assert.equal(OTEL_RESOURCE_ATTRIBUTES, `${OURS},${given}`);
    assert.equal(withTelemetry({ OTEL_RESOURCE_ATTRIBUTES: " " }, identity).OTEL_RESOURCE_ATTRIBUTES, OURS);
  });

  test("what separates attributes is encoded in their values", () => {
    const { OTEL_RESOURCE_ATTRIBUTES } = withTelemetry({}, { ...identity, template: "a,b=c d%" });
    assert.match(OTEL_RESOURCE_ATTRIBUTES ?? "", /sandglass\.template\.id=a%2Cb%3Dc%20d%25,/);
  });

  const names: [why: string, env: Record<string, string>, expected: string][] = [
    ["is the user's", { OTEL_SERVICE_NAME: "mine" }, "mine"],
    ["is the template's where the user's is empty", { OTEL_SERVICE_NAME: "" }, "python"],
    [
      "is that of the user's attributes",
      { OTEL_RESOURCE_ATTRIBUTES: "a=1, service.name=my%20app" },
      "my app",
    ],
    [
      "is the user's variable before the user's attributes",
      { OTEL_SERVICE_NAME: "mine", OTEL_RESOURCE_ATTRIBUTES: "service.name=other" },
      "mine",
    ],
    ["is as it stands where it is not encoded", { OTEL_RESOURCE_ATTRIBUTES: "service.name=50%" }, "50%"],
    ["is not that of an attribute like it", { OTEL_RESOURCE_ATTRIBUTES: "my.service.name=x" }, "python"],
  ];
  for (const [why, env, expected] of names)
    test(`the service's name ${why}`, () =>
      assert.equal(withTelemetry(env, identity).OTEL_SERVICE_NAME, expected));
});
