import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SandglassError } from "@sandglass/protocol";
import { WebhookSink } from "@sandglass/testkit";
import type { z } from "zod";
import type { PrepareContext, PreparedExporter } from "../definition.ts";
import { webhook } from "../webhook.ts";

const context: PrepareContext = { env: {}, cwd: "/", isTrusted: true, ownOrigins: ["http://127.0.0.1:7070"] };
const never = new AbortController().signal;
const secret = `whsec_${Buffer.alloc(24, "s").toString("base64")}`;
const url = "https://some.example/hook";

describe("the options of the webhook exporter", () => {
  test("have the documented defaults", () => {
    const { traits } = prepare({ url, secret });
    assert.equal(traits.batchSize, 100);
    assert.equal(traits.flushIntervalMs, 1000);
    assert.equal(traits.order, "sandbox");
    assert.equal(traits.concurrency, 4);
  });

  test("show of the URL its origin only, and know what is secret in it and beside it", () => {
    const given = "https://me:s3cret@some.example/services/T000/B000?token=abcdef#x";
    const headers = { authorization: "Bearer of-a-token" };
    const prepared = prepare({ url: { env: "HOOK" }, secret, headers }, { env: { HOOK: given } });
    assert.equal(prepared.destination, "https://some.example");
    const hidden = [
      secret,
      "Bearer of-a-token",
      "s3cret",
      btoa("me:s3cret"),
      "/services/T000/B000",
      "abcdef",
    ];
    assert.deepEqual(prepared.secrets, hidden);
    assert.equal(prepare({ url, secret }).secrets.includes("/hook"), false);
  });

  test("take one secret or several, from variables too", () => {
    const other = Buffer.alloc(64, "o").toString("base64");
    const several = prepare({ url, secrets: [{ env: "NEW" }, secret] }, { env: { NEW: `${other}\n` } });
    assert.equal(several.secrets.length, 2);
    assert.match(
      refusal({ url }).hint ?? "",
      /^set secret; make one by `echo whsec_\$\(openssl rand -base64 32\)`/,
    );
    assert.match(refusal({ url, secret, secrets: [secret] }).message, /exclude each other/);
    assert.match(refusal({ url, secrets: [secret, { env: "NONE" }] }).message, /^secrets\[1\] names .* NONE/);
  });

  test("are refused where a secret is too short or no base64, with how to make one", () => {
    const short = `whsec_${Buffer.alloc(23, "s").toString("base64")}`;
    const refused = refusal({ url, secret: short });
    assert.match(refused.message, /^secret is 23 bytes long when decoded; it takes at least 24$/);
    assert.match(refused.hint ?? "", /openssl rand -base64 32/);
    for (const bad of ["whsec_", "whsec_not base64!", "whsec_YWJj-_", "just a password", "whsec_YWJjZGVm="]) {
      const { message } = refusal({ url, secrets: [secret, bad] });
      assert.match(message, /^secrets\[1\] is no base64/);
      assert.ok(!message.includes(bad) || bad === "whsec_");
    }
  });

  test("are refused where a header is ours, none, or cannot be sent", () => {
    for (const name of ["Webhook-Id", "content-type", "Content-Length", "Host", "transfer-encoding"])
      assert.match(refusal({ url, secret, headers: { [name]: "x" } }).message, /is not yours to set/);
    assert.match(refusal({ url, secret, headers: { "a b": "x" } }).message, /"a b"/);
    const { message } = refusal({ url, secret, headers: { "x-key": "hidden\nvalue" } });
    assert.match(message, /^headers\.x-key has characters/);
    assert.doesNotMatch(message, /hidden/);
  });

  test("are refused where the URL is none, this daemon, or the variable it names is not set", () => {
    assert.match(refusal({ url: "some.example/secret", secret }).message, /^url is no URL$/);
    assert.match(refusal({ url: "http://localhost:7070/x", secret }).message, /this daemon itself/);
    assert.match(refusal({ url: { env: "NONE" }, secret }).message, /^url names .* NONE/);
    for (const config of [{ secret }, { url, secret, retries: 3 }, { url, secrets: [] }])
      assert.equal(webhook.schema.safeParse(config).success, false, JSON.stringify(config));
  });

  test("give a stranger neither the daemon's environment nor its private network", () => {
    const stranger = { isTrusted: false, env: { DATABASE_URL: "postgres://secret" } };
    const headers = { "x-loot": { env: "DATABASE_URL" } };
    assert.match(refusal({ url, secret, headers }, stranger).message, /which is not set/);
    assert.match(refusal({ url, secret: { env: "DATABASE_URL" } }, stranger).message, /which is not set/);
    for (const inside of [
      "http://127.0.0.1:9",
      "http://10.1.2.3/x",
      "https://[fe80::1]",
      "http://169.254.169.254/latest",
    ])
      assert.match(
        refusal({ url: inside, secret }, stranger).message,
        /^url is a private, loopback or link-local/,
      );
    assert.equal(
      prepare({ url: "http://some.example", secret }, stranger).destination,
      "http://some.example",
    );
  });
});

test("a required webhook is there where its host takes connections, and is sent nothing", async () => {
  await using sink = await WebhookSink.start();
  const { verify } = prepare({ url: sink.url, secret });
  await verify?.(never);
  assert.equal(sink.server.requests, 0);
  await sink.server.down();
  await assert.rejects(
    async () => verify?.(never),
    /^Error: no answer from http:.*: the connection was refused/,
  );
});

type Config = z.input<typeof webhook.schema>;

function prepare(config: Config, more: Partial<PrepareContext> = {}): PreparedExporter {
  return webhook.prepare(webhook.schema.parse(config), { ...context, ...more });
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
