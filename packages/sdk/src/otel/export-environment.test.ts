import assert from "node:assert/strict";
import { test } from "node:test";
import { withExportEnvironment } from "./export-environment.ts";

const OWN = {
  OTEL_EXPORTER_OTLP_ENDPOINT: "https://otlp.example",
  OTEL_EXPORTER_OTLP_HEADERS: "api-key=s3cret",
  OTEL_EXPORTER_OTLP_CLIENT_KEY: "/home/me/key.pem",
  OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: "/home/me/ca.pem",
  OTEL_EXPORTER_OTLP_TIMEOUT: "",
  OTEL_SERVICE_NAME: "agent",
  HOME: "/home/me",
};

test("the caller's own endpoint and headers go along, and nothing else of its environment", () => {
  assert.deepEqual(withExportEnvironment({ A: "1" }, OWN), {
    A: "1",
    OTEL_EXPORTER_OTLP_ENDPOINT: "https://otlp.example",
    OTEL_EXPORTER_OTLP_HEADERS: "api-key=s3cret",
  });
});

test("where the sandbox's env names an endpoint, the caller's headers are not sent to it", () => {
  for (const name of ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"]) {
    const env = { [name]: "https://elsewhere.example" };
    assert.deepEqual(withExportEnvironment(env, OWN), env);
  }
});

test("what env says wins over the caller's own", () => {
  const env = { OTEL_EXPORTER_OTLP_HEADERS: "api-key=other" };
  assert.equal(withExportEnvironment(env, OWN).OTEL_EXPORTER_OTLP_HEADERS, "api-key=other");
});
