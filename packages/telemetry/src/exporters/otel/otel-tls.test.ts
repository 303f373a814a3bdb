import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { otelEvent } from "../../projections/testing/otel-events.ts";
import { GrpcSink } from "./testing/grpc-sink.ts";
import { exportOnce, openOtel, prepareOtel } from "./testing/open-otel.ts";
import { OtlpSink } from "./testing/otlp-sink.ts";

const dir = mkdtempSync(join(tmpdir(), "sandglass-otel-tls-"));
after(() => rmSync(dir, { recursive: true, force: true }));

/** An authority, and certificates that it signed. */
function openssl(...options: string[]): void {
  execFileSync("openssl", options, { cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
}
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
openssl(
  "req",
  "-x509",
  ...NEW_KEY,
  "-days",
  "2",
  "-subj",
  "/CN=authority",
  "-keyout",
  "ca.key",
  "-out",
  "ca.pem",
);
writeFileSync(join(dir, "names"), "subjectAltName=DNS:localhost,IP:127.0.0.1");
for (const name of ["server", "client"]) {
  openssl("req", ...NEW_KEY, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
  const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"];
  openssl("x509", "-req", "-in", `${name}.csr`, ...signing, "-out", `${name}.pem`);
}
const read = (file: string) => readFileSync(join(dir, file), "utf8");
const serverTls = { cert: read("server.pem"), key: read("server.key") };
const files = { ca: "ca.pem", cert: "client.pem", key: "client.key" };
const event = otelEvent("exec.completed");

for (const [protocol, start] of [
  ["http/protobuf", (tls: typeof serverTls & { clientCa?: string }) => OtlpSink.start(tls)],
  ["grpc", (tls: typeof serverTls & { clientCa?: string }) => GrpcSink.start(tls)],
] as const) {
  describe(`TLS of ${protocol}`, () => {
    const attempt = async (endpoint: string, tls: object | undefined, env: Record<string, string> = {}) => {
      const config = { endpoint, protocol, signals: ["traces"], ...(tls && { tls }) };
      await using exporter = await openOtel(config, { cwd: dir, env });
      return await exportOnce(exporter, [event]);
    };

    test("a server whose authority is given is trusted, by option and by environment; another is not", async () => {
      await using sink = await start(serverTls);
      const stranger = await attempt(sink.url, undefined);
      assert.match(stranger.status === "retry" ? stranger.reason : "", /certificate/);
      assert.deepEqual(await attempt(sink.url, { ca: "ca.pem" }), { status: "ok" });
      const env = { OTEL_EXPORTER_OTLP_CERTIFICATE: join(dir, "ca.pem") };
      assert.deepEqual(await attempt(sink.url, undefined, env), { status: "ok" });
      assert.deepEqual(await attempt(sink.url, { insecure: true }), { status: "ok" });
    });

    test("a server that wants to know its client is shown a certificate", async () => {
      await using sink = await start({ ...serverTls, clientCa: read("ca.pem") });
      assert.equal((await attempt(sink.url, { ca: "ca.pem" })).status, "retry");
      assert.deepEqual(await attempt(sink.url, files), { status: "ok" });
      const env = {
        OTEL_EXPORTER_OTLP_CERTIFICATE: join(dir, "ca.pem"),
        OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: join(dir, "client.pem"),
        OTEL_EXPORTER_OTLP_CLIENT_KEY: join(dir, "client.key"),
      };
      assert.deepEqual(await attempt(sink.url, undefined, env), { status: "ok" });
    });
  });
}

describe("TLS options that cannot be", () => {
  const prepare =
    (tls: object, more: object = {}, endpoint = "https://collector.example.org") =>
    () =>
      prepareOtel({ endpoint, tls }, { cwd: dir, ...more });

  test("are refused with the name of the option and of the file", () => {
    writeFileSync(join(dir, "empty.pem"), "");
    writeFileSync(join(dir, "wrong.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert.throws(prepare({ ca: "none.pem" }), /tls\.ca names .*none\.pem, which cannot be read: ENOENT/);
    assert.throws(prepare({ ca: "wrong.pem" }), /tls\.ca cannot be used/);
    assert.throws(prepare({ cert: "client.pem" }), /tls has a cert and no key/);
    assert.throws(prepare({ key: "client.key" }), /tls has a key and no cert/);
    assert.throws(
      prepare({ cert: "client.pem", key: "server.key" }),
      /tls\.cert and tls\.key cannot be used/,
    );
    assert.throws(
      prepare({ ca: "ca.pem" }, {}, "http://collector.example.org"),
      /endpoint begins with http:\/\//,
    );
  });

  test("are not to be had for who may read no files of this host", () => {
    assert.throws(prepare({ ca: "ca.pem" }, { isTrusted: false }), /tls names files of this host/);
  });
});
