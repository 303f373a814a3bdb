import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SandglassError } from "@sandglass/protocol";
import { otelEvent } from "../../projections/testing/otel-events.ts";
import { exportOnce, openOtel, prepareOtel } from "./testing/open-otel.ts";
import { OtlpSink } from "./testing/otlp-sink.ts";

const ENDPOINT = "https://collector.example.org:4318";

function refused(config: object, message: RegExp, env: Record<string, string> = {}, more: object = {}): void {
  assert.throws(
    () => prepareOtel(config, { env, ...more }),
    (error) => {
      assert.ok(error instanceof SandglassError && error.code === "INVALID_REQUEST", String(error));
      assert.match(error.message, message);
      return true;
    },
  );
}

/** The paths that one event of all three signals is sent to. */
async function pathsOf(
  endpoint: (base: string) => Record<string, string>,
  config: object = {},
): Promise<string[]> {
  await using sink = await OtlpSink.start();
  const { OTEL_TEST_BASE: option, ...env } = endpoint(sink.url);
  await using exporter = await openOtel({ ...config, ...(option && { endpoint: option }) }, { env });
  await exportOnce(exporter, [otelEvent("exec.completed")]);
  return sink.paths.sort();
}

describe("the endpoint", () => {
  const all = ["/v1/logs", "/v1/metrics", "/v1/traces"];

  test("may be a base or end in /v1/traces, which mean the same", async () => {
    for (const suffix of ["", "/", "/v1/traces", "/v1/traces/", "/v1/logs"]) {
      assert.deepEqual(await pathsOf((base) => ({ OTEL_TEST_BASE: `${base}${suffix}` })), all);
      assert.deepEqual(await pathsOf((base) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `${base}${suffix}` })), all);
    }
    assert.deepEqual(
      await pathsOf((base) => ({ OTEL_TEST_BASE: `${base}/otlp/?tenant=a` })),
      all.map((path) => `/otlp${path}?tenant=a`),
    );
  });

  test("of one signal in the environment is used as it is, and only signals with one are sent", async () => {
    assert.deepEqual(await pathsOf((base) => ({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${base}/mine` })), [
      "/mine",
    ]);
    assert.deepEqual(
      await pathsOf((base) => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: base,
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${base}/logs-here`,
      })),
      ["/logs-here", "/v1/metrics", "/v1/traces"],
    );
    refused({ signals: ["logs"] }, /signals has logs, for which there is no endpoint/, {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ENDPOINT,
    });
  });

  test("given as an option wins over all of the environment", async () => {
    assert.deepEqual(
      await pathsOf((base) => ({
        OTEL_TEST_BASE: base,
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://127.0.0.1:1",
      })),
      all,
    );
  });

  test("that is missing, no URL, or this daemon itself is refused", () => {
    refused({}, /the endpoint of OpenTelemetry is missing/);
    refused({}, /endpoint of OpenTelemetry is missing/, { OTEL_EXPORTER_OTLP_ENDPOINT: " " });
    refused({ endpoint: "nowhere" }, /endpoint is no URL/);
    refused({}, /OTEL_EXPORTER_OTLP_ENDPOINT begins with collector:/, {
      OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318",
    });
    const ownOrigins = ["http://127.0.0.1:7070"];
    refused({ endpoint: "http://localhost:7070/otlp" }, /endpoint is this daemon itself/, {}, { ownOrigins });
    refused(
      { endpoint: "http://127.0.0.1:7070", protocol: "grpc" },
      /this daemon itself/,
      {},
      { ownOrigins },
    );
  });

  test("of gRPC may have no scheme, and means TLS unless the environment says otherwise", () => {
    const destinationOf = (env: Record<string, string>) =>
      prepareOtel({ protocol: "grpc" }, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317", ...env } })
        .destination;
    assert.match(destinationOf({}), /^https:\/\/collector:4317, traces, logs, metrics over grpc$/);
    assert.match(destinationOf({ OTEL_EXPORTER_OTLP_INSECURE: "True" }), /^http:\/\/collector:4317/);
  });

  test("of a key without admin may not be private, nor gRPC, and the environment is not looked at", () => {
    const isTrusted = false;
    refused({ endpoint: "http://10.0.0.1:4318" }, /private/, {}, { isTrusted });
    refused(
      { endpoint: ENDPOINT, protocol: "grpc" },
      /protocol grpc is not to be had with this key/,
      {},
      { isTrusted },
    );
    refused(
      {},
      /endpoint of OpenTelemetry is missing/,
      { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT },
      { isTrusted },
    );
    const env = { OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer of-the-operator" };
    assert.deepEqual(prepareOtel({ endpoint: ENDPOINT }, { env, isTrusted }).secrets, []);
    refused(
      { endpoint: ENDPOINT, headers: { a: { env: "HOME" } } },
      /HOME, which is not set/,
      { HOME: "/root" },
      { isTrusted },
    );
  });
});

describe("headers", () => {
  async function headersOf(config: object, env: Record<string, string> = {}) {
    await using sink = await OtlpSink.start();
    await using exporter = await openOtel({ endpoint: sink.url, ...config }, { env });
    await exportOnce(exporter, [otelEvent("exec.completed")]);
    return Object.fromEntries(sink.requests.map(({ signal, headers }) => [signal, headers]));
  }

  test("come from the option, secrets by the name of their variable", async () => {
    const { traces } = await headersOf(
      { headers: { Authorization: { env: "KEY" }, "x-team": "data" } },
      { KEY: "Bearer s3cret", OTEL_EXPORTER_OTLP_HEADERS: "x-other=1" },
    );
    assert.deepEqual(
      [traces?.authorization, traces?.["x-team"], traces?.["x-other"]],
      ["Bearer s3cret", "data", undefined],
    );
    assert.match(traces?.["user-agent"] ?? "", /^sandglass\/\d/);
  });

  test("come from the environment percent-decoded, those of a signal over those of all", async () => {
    const { traces, logs } = await headersOf(
      {},
      {
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Basic%20YTpi, x-a=plain text 100%,x-b=1",
        OTEL_EXPORTER_OTLP_LOGS_HEADERS: "x-b=2",
      },
    );
    assert.deepEqual(
      [traces?.authorization, traces?.["x-a"], traces?.["x-b"], logs?.["x-a"], logs?.["x-b"]],
      ["Basic YTpi", "plain text 100%", "1", "plain text 100%", "2"],
    );
  });

  test("of credentials in the URL are sent as such and shown nowhere", async () => {
    await using sink = await OtlpSink.start();
    const prepared = prepareOtel({ endpoint: sink.url.replace("//", "//user:pa55word@") });
    assert.ok(!prepared.destination.includes("pa55word"));
    assert.ok(prepared.secrets.includes("pa55word"));
    const exporter = await prepared.open({ checkpoint: undefined });
    await exportOnce(exporter, [otelEvent("exec.completed")]);
    await exporter.shutdown();
    assert.equal(
      sink.requests[0]?.headers.authorization,
      `Basic ${Buffer.from("user:pa55word").toString("base64")}`,
    );
  });

  test("are kept out of what is said, tokens also without their scheme", () => {
    const { secrets } = prepareOtel({
      endpoint: `${ENDPOINT}?key=in-query`,
      headers: { authorization: "Bearer tok3n" },
    });
    for (const secret of ["Bearer tok3n", "tok3n", "in-query"]) assert.ok(secrets.includes(secret), secret);
  });

  test("that cannot be are refused without their value", () => {
    const secret = "s3cret\n";
    refused(
      { endpoint: ENDPOINT, headers: { a: secret } },
      /^headers\.a has characters that an HTTP header cannot hold$/,
    );
    refused(
      { endpoint: ENDPOINT, headers: { "content-type": "x" } },
      /content-type, which is not yours to set/,
    );
    refused(
      { endpoint: ENDPOINT, protocol: "grpc", headers: { "key-bin": "x" } },
      /key-bin, which gRPC cannot carry/,
    );
    refused(
      { endpoint: ENDPOINT },
      /^the environment variable OTEL_EXPORTER_OTLP_HEADERS has a part that is not key=value$/,
      {
        OTEL_EXPORTER_OTLP_HEADERS: "a=1,s3cret",
      },
    );
  });
});
