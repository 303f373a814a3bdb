import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SandglassError } from "@sandglass/protocol";
import { type DestinationSettings, resolveDestination } from "./destination-settings.ts";

type Env = Record<string, string>;
const TRUSTED = { env: {}, cwd: "/", isTrusted: true, ownOrigins: ["http://127.0.0.1:7070"] };
const STRANGER = { ...TRUSTED, isTrusted: false };
const PREFIX = "OTEL_EXPORTER_OTLP_";

function resolve(env: Env, context = STRANGER): DestinationSettings {
  const named = Object.entries(env).map(([name, value]) => [PREFIX + name, value]);
  return resolveDestination(Object.fromEntries(named), context);
}

function refused(env: Env, message: RegExp, context = STRANGER): void {
  assert.throws(
    () => resolve(env, context),
    (error) => {
      assert.ok(error instanceof SandglassError && error.code === "INVALID_REQUEST", String(error));
      assert.match(error.message, message);
      const said = `${error.message} ${error.hint}`;
      for (const value of Object.values(env)) {
        assert.ok(value === "grpc" || !said.includes(value), `${said} holds ${value}`);
      }
      return true;
    },
  );
}

describe("the settings of a destination", () => {
  test("are those of the base endpoint for every signal", () => {
    const { signals, publicOnly, temporality, secrets } = resolve({
      ENDPOINT: "https://u:pass%20word@otlp.example.com/otlp?key=q-1",
      HEADERS: "Authorization=Bearer%20tok-1,x-team=a",
    });
    assert.deepEqual(Object.keys(signals), ["traces", "logs", "metrics"]);
    const { headers, ...rest } = signals.logs!;
    assert.deepEqual(rest, {
      url: "https://otlp.example.com/otlp/v1/logs?key=q-1",
      where: "https://otlp.example.com",
      protocol: "http/protobuf",
      compression: "gzip",
      timeoutMs: 10_000,
    });
    assert.deepEqual([headers.authorization, headers["x-team"]], ["Bearer tok-1", "a"]);
    assert.deepEqual([publicOnly, temporality], [true, "cumulative"]);
    for (const secret of ["q-1", "tok-1", "pass word"]) assert.ok(secrets.includes(secret), secret);
  });

  test("may have a token in the path, which is as secret as one in a header", () => {
    const token = "0123456789abcdef";
    const { secrets } = resolve({ ENDPOINT: `https://otlp.example.com/ingest/${token}/otlp` });
    assert.deepEqual(secrets, [token]);
  });

  test("may differ by signal, and then what is said of the signal wins", () => {
    const { signals, temporality } = resolve({
      ENDPOINT: "https://a.example.com",
      TIMEOUT: "500",
      HEADERS: "x=1,y=1",
      METRICS_ENDPOINT: "https://b.example.com/as/it/is",
      METRICS_HEADERS: "y=2",
      METRICS_PROTOCOL: "http/json",
      METRICS_COMPRESSION: "none",
      METRICS_TIMEOUT: "0",
      METRICS_TEMPORALITY_PREFERENCE: "delta",
    });
    const { url, protocol, compression, timeoutMs, headers } = signals.metrics!;
    assert.deepEqual(
      [url, protocol, compression, timeoutMs, headers.x, headers.y],
      ["https://b.example.com/as/it/is", "http/json", "none", 60_000, "1", "2"],
    );
    assert.deepEqual([signals.traces?.timeoutMs, signals.traces?.headers.y], [500, "1"]);
    assert.equal(temporality, "delta");
  });

  test("have only the signals that there is an endpoint for", () => {
    const { signals } = resolve({ TRACES_ENDPOINT: "https://a.example.com/x" });
    assert.deepEqual(Object.keys(signals), ["traces"]);
  });

  test("say gRPC without a scheme, in the clear where that is wanted, for who is trusted", () => {
    const env = { ENDPOINT: "collector:4317", PROTOCOL: "grpc", LOGS_INSECURE: "true" };
    const { signals } = resolve(env, TRUSTED);
    assert.deepEqual(
      [signals.traces?.url, signals.logs?.url],
      ["https://collector:4317/", "http://collector:4317/"],
    );
  });
});

describe("what cannot be a destination is refused by the name of its variable", () => {
  test("no endpoint at all", () => {
    refused({}, /no endpoint is known/);
    refused({ HEADERS: "a=b" }, /no endpoint is known/);
  });

  test("a private, loopback or link-local address, unless the caller is trusted", () => {
    for (const host of ["127.0.0.1:4318", "localhost:4318", "10.1.2.3", "169.254.169.254", "[::1]:4318"]) {
      refused({ ENDPOINT: `http://${host}` }, /^OTEL_EXPORTER_OTLP_ENDPOINT is a private/);
      const mixed = { ENDPOINT: "https://a.example.com", LOGS_ENDPOINT: `http://${host}/v1/logs` };
      refused(mixed, /^OTEL_EXPORTER_OTLP_LOGS_ENDPOINT is a private/);
      assert.equal(resolve({ ENDPOINT: `http://${host}` }, TRUSTED).publicOnly, false);
    }
  });

  test("this daemon itself, whoever asks", () => {
    refused({ ENDPOINT: "http://localhost:7070/otlp" }, /ENDPOINT is this daemon itself/, TRUSTED);
  });

  test("what is neither a URL nor a setting", () => {
    const ENDPOINT = "https://a.example.com";
    refused({ ENDPOINT: "what is this" }, /^OTEL_EXPORTER_OTLP_ENDPOINT is no URL/);
    refused({ ENDPOINT, TRACES_PROTOCOL: "carrier-pigeon" }, /OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is none of/);
    refused({ ENDPOINT, COMPRESSION: "zstd-9" }, /OTEL_EXPORTER_OTLP_COMPRESSION is none of/);
    refused({ ENDPOINT, LOGS_TIMEOUT: "soon" }, /OTEL_EXPORTER_OTLP_LOGS_TIMEOUT is not a whole number/);
    refused({ ENDPOINT, HEADERS: "just-a-token" }, /OTEL_EXPORTER_OTLP_HEADERS has a part/);
    refused({ ENDPOINT, HEADERS: "host=evil.example" }, /OTEL_EXPORTER_OTLP_HEADERS holds host/);
    refused({ ENDPOINT, HEADERS: `x=${"y".repeat(70_000)}` }, /larger than 64 KiB/);
  });

  test("gRPC and certificates, unless the caller is trusted", () => {
    const ENDPOINT = "https://a.example.com";
    refused({ ENDPOINT, PROTOCOL: "grpc" }, /OTEL_EXPORTER_OTLP_PROTOCOL is grpc/);
    refused({ ENDPOINT, LOGS_PROTOCOL: "grpc" }, /OTEL_EXPORTER_OTLP_LOGS_PROTOCOL is grpc/);
    refused({ ENDPOINT, CERTIFICATE: "/etc/shadow" }, /OTEL_EXPORTER_OTLP_CERTIFICATE names a file/);
    refused({ ENDPOINT, CLIENT_KEY: "/etc/shadow" }, /OTEL_EXPORTER_OTLP_CLIENT_KEY names a file/);
    refused({ ENDPOINT, LOGS_CERTIFICATE: "/c.pem" }, /LOGS_CERTIFICATE is not supported/, TRUSTED);
  });
});
