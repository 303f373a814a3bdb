import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SandglassError } from "@sandglass/protocol";
import { AxiomSink } from "@sandglass/testkit";
import type { z } from "zod";
import { axiom } from "../axiom.ts";
import type { PrepareContext, PreparedExporter } from "../definition.ts";

const context: PrepareContext = { env: {}, cwd: "/", isTrusted: true, ownOrigins: ["http://127.0.0.1:7070"] };
const never = new AbortController().signal;

describe("the options of the Axiom exporter", () => {
  test("have the documented defaults", () => {
    const prepared = prepare({}, { env: { AXIOM_TOKEN: "xaat-1" } });
    assert.equal(prepared.destination, "https://cloud.axiom.co, dataset sandglass-events");
    assert.equal(prepared.traits.batchSize, 100);
    assert.equal(prepared.traits.flushIntervalMs, 5000);
    assert.equal(prepared.traits.order, "none");
    assert.deepEqual(prepared.secrets, ["xaat-1"]);
  });

  test("take the token from the variable that they name, without the newline of a file", () => {
    const prepared = prepare(
      { token: { env: "MY_TOKEN" } },
      { env: { MY_TOKEN: "xaat-2\n", AXIOM_TOKEN: "other" } },
    );
    assert.deepEqual(prepared.secrets, ["xaat-2"]);
  });

  test("hand on batch size, interval and onError", () => {
    const onError = () => {};
    const prepared = prepare({ token: "t", batchSize: 7, flushIntervalMs: 0, onError });
    assert.equal(prepared.traits.batchSize, 7);
    assert.equal(prepared.traits.flushIntervalMs, 0);
    assert.equal(prepared.onError, onError);
  });

  test("are refused by name where the token is missing, empty, or none", () => {
    assert.match(refusal({}).hint ?? "", /the option token or the environment variable AXIOM_TOKEN/);
    assert.match(refusal({}, { env: { AXIOM_TOKEN: "  " } }).message, /token of Axiom is missing/);
    assert.match(refusal({ token: { env: "NONE" } }).message, /NONE, which is not set/);
    const { message } = refusal({ token: "xaat\nsecret" });
    assert.match(message, /^token has characters/);
    assert.doesNotMatch(message, /secret/);
    assert.match(refusal({ token: "t", orgId: "a\nb" }).message, /^orgId has characters/);
  });

  test("are refused where the URL is none, or this daemon", () => {
    assert.match(refusal({ token: "t", url: "cloud.axiom.co" }).message, /^url is no URL/);
    assert.match(refusal({ token: "t", url: "http://localhost:7070" }).message, /^url is this daemon itself/);
    assert.match(
      refusal({ token: "t", url: "https://me:pw@some.example" }).message,
      /^url holds credentials/,
    );
  });

  test("are refused where one does not exist or has the wrong type", () => {
    for (const config of [
      { tokn: "t" },
      { token: 1 },
      { dataset: "" },
      { compression: "br" },
      { batchSize: 0 },
    ])
      assert.equal(axiom.schema.safeParse(config).success, false, JSON.stringify(config));
  });

  test("give a stranger neither the daemon's token nor its private network", async () => {
    const env = { AXIOM_TOKEN: "xaat-daemon", DATABASE_URL: "secret" };
    const stranger = { env, isTrusted: false };
    assert.match(refusal({}, stranger).message, /token of Axiom is missing/);
    assert.match(refusal({ token: { env: "DATABASE_URL" } }, stranger).message, /which is not set/);
    assert.match(refusal({ token: "t", url: "http://10.0.0.1" }, stranger).message, /private/);
    const own = prepare({ token: "t", url: "https://some.example" }, stranger);
    assert.deepEqual(own.secrets, ["t"]);
  });
});

describe("a required Axiom exporter", () => {
  test("is there where its dataset can be written to, and nothing is written", async () => {
    await using sink = await AxiomSink.start();
    await prepare({ token: sink.token, url: sink.url }).verify?.(never);
    assert.equal(sink.server.requests, 1);
    assert.equal(sink.events.size, 0);
    sink.fault = { status: 400 };
    await prepare({ token: sink.token, url: sink.url }).verify?.(never);
  });

  test("says why it is not there", async () => {
    await using sink = await AxiomSink.start();
    const verify = (config: Config) =>
      prepare({ token: sink.token, url: sink.url, ...config }).verify?.(never);
    await assert.rejects(
      async () => verify({ token: "wrong" }),
      /answered 401 \(the credentials were not accepted/,
    );
    await assert.rejects(async () => verify({ dataset: "other" }), /dataset other answered 404/);
    sink.fault = { status: 503 };
    await assert.rejects(async () => verify({}), /answered 503/);
    await sink.server.down();
    await assert.rejects(async () => verify({}), /^Error: no answer from .*: the connection was refused/);
  });
});

type Config = z.input<typeof axiom.schema>;

function prepare(config: Config, more: Partial<PrepareContext> = {}): PreparedExporter {
  return axiom.prepare(axiom.schema.parse(config), { ...context, ...more });
}

function refusal(config: Config, more: Partial<PrepareContext> = {}): SandglassError {
  try {
    prepare(config, more);
  } catch (error) {
    assert.ok(error instanceof SandglassError);
    assert.equal(error.code, "INVALID_REQUEST");
    return error;
  }
  assert.fail("it was taken");
}
