import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SandglassError } from "@sandglass/protocol";
import { destinationIn, resolveDestination, withoutDestination } from "./telemetry-destination.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "https://otlp.example" };
const HEADERS = { OTEL_EXPORTER_OTLP_HEADERS: "api-key=secret" };
const OPERATORS = {
  env: { OTEL_EXPORTER_OTLP_ENDPOINT: "https://ours.example", OTEL_EXPORTER_OTLP_HEADERS: "a=ours" },
};

describe("an environment on its way into a sandbox", () => {
  test("loses every variable of the exporter, in capitals or not, and nothing else", () => {
    const kept = {
      OTEL_SERVICE_NAME: "mine",
      OTEL_EXPORTER: "x",
      MY_OTEL_EXPORTER_OTLP_HEADERS: "mine",
      OTEL_EXPORTER_OTLPX: "y",
    };
    const env = {
      ...kept,
      ...ENDPOINT,
      ...HEADERS,
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "b=2",
      OTEL_EXPORTER_OTLP_WHATEVER_IS_NEW: "c",
      otel_exporter_otlp_headers: "api-key=secret",
      Otel_Exporter_Otlp_Endpoint: "https://windows.example",
    };
    assert.deepEqual(withoutDestination(env), kept);
  });
});

describe("the destination in an environment", () => {
  test("is all variables of the exporter, where one names an endpoint", () => {
    const env = { A: "1", ...ENDPOINT, ...HEADERS };
    assert.deepEqual(destinationIn(env), { env: { ...ENDPOINT, ...HEADERS } });
    for (const signal of ["TRACES", "METRICS", "LOGS"]) {
      const one = { [`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]: "https://otlp.example/v1" };
      assert.deepEqual(destinationIn({ ...one, B: "2" }), { env: one });
    }
  });

  const none: [why: string, env: Record<string, string> | undefined][] = [
    ["there is no environment", undefined],
    ["it is empty", {}],
    ["headers alone lead nowhere", HEADERS],
    ["an empty variable is an unset one", { OTEL_EXPORTER_OTLP_ENDPOINT: " ", ...HEADERS }],
    ["an SDK does not read it", { otel_exporter_otlp_endpoint: "https://otlp.example" }],
  ];
  for (const [why, env] of none)
    test(`is none where ${why}`, () => assert.equal(destinationIn(env), undefined));
});

describe("where a sandbox's telemetry goes besides", () => {
  const callers = { ...ENDPOINT, ...HEADERS };

  test("to the caller's endpoint where its env names one, asked for or not", () => {
    for (const otelExport of [true, undefined]) {
      const request = { env: { A: "1", ...callers }, ...(otelExport && { otelExport }) };
      assert.deepEqual(resolveDestination(request, [OPERATORS]), {
        destination: { env: callers },
        isOperators: false,
      });
    }
  });

  test("else to the first of the operator's, the template's before the daemon's", () => {
    const template = { env: { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "https://template.example" } };
    const first = { destination: template, isOperators: true };
    assert.deepEqual(resolveDestination({}, [template, OPERATORS]), first);
    assert.deepEqual(resolveDestination({ otelExport: true }, [undefined, OPERATORS]), {
      destination: OPERATORS,
      isOperators: true,
    });
  });

  test("the operator's credentials never go to the caller's endpoint, nor the caller's to the operator's", () => {
    assert.deepEqual(resolveDestination({ env: ENDPOINT }, [OPERATORS]).destination, { env: ENDPOINT });
    assert.deepEqual(resolveDestination({ env: HEADERS }, [OPERATORS]).destination, OPERATORS);
  });

  test("files that a caller names are not the host's to read", () => {
    const files = {
      OTEL_EXPORTER_OTLP_CERTIFICATE: "/etc/ssl/private/host.key",
      OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: "/root/.ssh/id_rsa",
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: "/etc/shadow",
    };
    assert.deepEqual(resolveDestination({ env: { ...ENDPOINT, ...files } }, []).destination, {
      env: ENDPOINT,
    });
    assert.deepEqual(destinationIn({ ...ENDPOINT, ...files })?.env, { ...ENDPOINT, ...files });
  });

  test("nowhere where it is refused, and where nobody names anything", () => {
    const nowhere = { destination: undefined, isOperators: false };
    assert.deepEqual(resolveDestination({ otelExport: false, env: callers }, [OPERATORS]), nowhere);
    assert.deepEqual(resolveDestination({ env: HEADERS }, [undefined, undefined]), nowhere);
  });

  test("asked for without an endpoint it is refused, with what to do and without the headers", () => {
    assert.throws(
      () => resolveDestination({ otelExport: true, env: HEADERS }, [undefined]),
      (error: SandglassError) => {
        assert.equal(error.code, "INVALID_REQUEST");
        assert.match(error.hint ?? "", /OTEL_EXPORTER_OTLP_ENDPOINT.*env/);
        assert.ok(!`${error.message}${error.hint}`.includes("secret"));
        return true;
      },
    );
  });
});
