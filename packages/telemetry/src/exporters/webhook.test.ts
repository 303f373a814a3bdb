import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FaultyServer, WebhookSink } from "@sandglass/testkit";
import { Webhook } from "standardwebhooks";
import type { z } from "zod";
import type { EventBatch, Exporter, ExportResult } from "../delivery/exporter.ts";
import type { PrepareContext, PreparedExporter } from "./definition.ts";
import { rawBatch, testBatch, testEvents } from "./http/testing/event-batch.ts";
import { webhook } from "./webhook.ts";

const context: PrepareContext = { env: {}, cwd: "/", isTrusted: true, ownOrigins: [] };
const never = new AbortController().signal;
const secretOf = (letter: string) => `whsec_${Buffer.alloc(24, letter).toString("base64")}`;

describe("the webhook exporter", () => {
  test("sends a batch as one signed message with the events as they are", async (t) => {
    await using sink = await WebhookSink.start();
    const exporter = await opened(t, sink);
    const events = testEvents(100);
    assert.deepEqual(await sent(exporter, testBatch(events)), { status: "ok" });
    const [message] = sink.messages;
    assert.equal(message?.type, "sandglass.events");
    assert.equal(message.timestamp, events.at(-1)?.timestamp);
    assert.deepEqual(message.events, events);
    assert.match(message.id, /^msg_[0-9a-f]{32}$/);
    assert.equal(sink.refused, 0);
  });

  test("leaves the bytes of an event alone", async (t) => {
    await using sink = await WebhookSink.start();
    const exporter = await opened(t, sink);
    const text =
      '{"id":"evt_1","seq":1,"timestamp":"2026-04-18T14:00:00Z","type":"a.b","n":1.50e3,"s":"\\u00e4"}';
    assert.deepEqual(await sent(exporter, rawBatch([text, text])), { status: "ok" });
    const head = '{"type":"sandglass.events","timestamp":"2026-04-18T14:00:00Z","data":{"events":[';
    assert.equal(sink.server.lastRequest?.body.toString(), `${head}${text},${text}]}}`);
  });

  test("signs as the reference library does", async (t) => {
    await using sink = await WebhookSink.start();
    const exporter = await opened(t, sink);
    await sent(exporter, testBatch(testEvents(3)));
    const { headers, body } = sink.server.lastRequest!;
    const sentAt = new Date(Number(headers["webhook-timestamp"]) * 1000);
    const expected = new Webhook(sink.secret).sign(String(headers["webhook-id"]), sentAt, body);
    assert.equal(headers["webhook-signature"], expected);
  });

  test("signs with every secret while they are rotated, the newest first", async (t) => {
    const [old, next] = [secretOf("o"), secretOf("n")];
    await using sink = await WebhookSink.start({ secrets: [old] });
    const exporter = await opened(t, sink, { secrets: [next, old] });
    assert.deepEqual(await sent(exporter, testBatch(testEvents(1))), { status: "ok" });
    sink.secrets = [next];
    assert.deepEqual(await sent(exporter, testBatch(testEvents(1))), { status: "ok" });
    const signatures = sink.messages[1]?.headers["webhook-signature"]?.split(" ") ?? [];
    assert.equal(signatures.length, 2);
    const { headers, body } = sink.server.lastRequest!;
    const sentAt = new Date(Number(headers["webhook-timestamp"]) * 1000);
    assert.equal(signatures[0], new Webhook(next).sign(String(headers["webhook-id"]), sentAt, body));
    sink.secrets = [secretOf("x")];
    assert.match(await retryReason(exporter), /answered 401/);
  });

  test("sends a batch again with the same id and body, and other events with another", async (t) => {
    await using sink = await WebhookSink.start();
    const exporter = await opened(t, sink);
    const batch = testBatch(testEvents(3));
    sink.fault = (request) => (request <= 2 ? { resetMidBody: true } : undefined);
    assert.equal((await sent(exporter, batch)).status, "retry");
    assert.equal((await sent(await opened(t, sink), { ...batch })).status, "retry");
    assert.deepEqual(await sent(exporter, batch), { status: "ok" });
    const ids = new Set(sink.messages.map(({ id }) => id));
    assert.equal(sink.messages.length, 3);
    assert.equal(ids.size, 1);
    await sent(exporter, testBatch(testEvents(3)));
    assert.equal(ids.has(sink.messages[3]?.id ?? ""), false);
  });

  test("sends headers that it is given, and credentials of the URL", async (t) => {
    await using sink = await WebhookSink.start();
    const url = sink.url.replace("http://", "http://me:s3cret@");
    const exporter = await opened(
      t,
      sink,
      { url, headers: { "X-Tenant": "a", "x-key": { env: "KEY" } } },
      { KEY: "b" },
    );
    assert.deepEqual(await sent(exporter, testBatch(testEvents(1))), { status: "ok" });
    const { headers } = sink.server.lastRequest!;
    assert.equal(headers["x-tenant"], "a");
    assert.equal(headers["x-key"], "b");
    assert.equal(headers.authorization, `Basic ${btoa("me:s3cret")}`);
    const named = await opened(t, sink, { url, headers: { Authorization: "Bearer c" } });
    await sent(named, testBatch(testEvents(1)));
    assert.equal(sink.server.lastRequest?.headers.authorization, "Bearer c");
  });
});

describe("what a receiver answers", () => {
  test("is enough as soon as it is a 2xx, whatever is in it", async (t) => {
    await using sink = await WebhookSink.start();
    const exporter = await opened(t, sink);
    for (const fault of [
      { status: 200, body: "thanks" },
      { status: 202 },
      { wrongContentType: true },
      { dripMs: 1 },
    ]) {
      sink.fault = fault;
      assert.deepEqual(await sent(exporter, testBatch(testEvents(1))), { status: "ok" });
    }
  });

  test("ends the subscription where it is 410", async (t) => {
    await using sink = await WebhookSink.start();
    const exporter = await opened(t, sink);
    sink.fault = { status: 410, headers: { "content-type": "text/plain" }, body: "unsubscribed" };
    const result = await sent(exporter, testBatch(testEvents(1)));
    assert.equal(result.status, "disable");
    assert.match(result.reason, /^http:\/\/127\.0\.0\.1:\d+ answered 410 .*: unsubscribed$/);
  });

  test("is a retry where it passes, and a fail where the message is at fault", async (t) => {
    await using sink = await WebhookSink.start({ maxBodyBytes: 200 });
    const exporter = await opened(t, sink);
    assert.equal((await sent(exporter, testBatch(testEvents(2)))).status, "fail");
    sink.fault = { status: 503, headers: { "retry-after": "3" } };
    const later = await sent(exporter, testBatch(testEvents(1)));
    assert.ok(later.status === "retry" && later.afterMs === 3000);
    sink.fault = { status: 307, headers: { location: "http://127.0.0.1:1/token" } };
    assert.match(await retryReason(exporter), /a redirect to http:\/\/127\.0\.0\.1:1, which is not followed/);
  });

  test("is a retry for a connection that is cut, refused, or given up", async (t) => {
    await using sink = await WebhookSink.start();
    const exporter = await opened(t, sink);
    for (const fault of [{ resetBeforeBody: true }, { resetBeforeAnswer: true }]) {
      sink.fault = fault;
      assert.match(await retryReason(exporter), /^no answer from http:.*: the connection was closed/);
    }
    sink.fault = { hang: true };
    const hanging = await exporter.export(testBatch(testEvents(1)), { signal: AbortSignal.timeout(50) });
    assert.match((hanging as { reason: string }).reason, /gave up waiting/);
    await sink.server.down();
    assert.match(await retryReason(exporter), /the connection was refused/);
    await exporter.shutdown();
    assert.match(await retryReason(exporter), /the sender is closed/);
  });
});

test("a webhook of someone who may not send inside finds no name that leads there", async (t) => {
  await using server = await FaultyServer.start(() => ({ status: 204 }));
  const url = `http://inside.example:${server.port}`;
  const prepared = prepare({ url, secret: secretOf("s") }, { isTrusted: false });
  const exporter = await prepared.open({ checkpoint: undefined });
  t.after(() => exporter.shutdown());
  const dns = await import("node:dns");
  const inside = (_host: string, _options: object, done: (error: null, found: object[]) => void) =>
    done(null, [{ address: "127.0.0.1", family: 4 }]);
  t.mock.method(dns.default, "lookup", inside as unknown as typeof dns.lookup);
  const reason = await retryReason(exporter);
  assert.match(reason, /inside\.example is or leads to a private, loopback/);
  await assert.rejects(async () => prepared.verify?.(never), /leads to a private, loopback/);
  assert.equal(server.connections, 0);
});

type Config = z.input<typeof webhook.schema>;

function prepare(config: Config, more: Partial<PrepareContext> = {}): PreparedExporter {
  return webhook.prepare(webhook.schema.parse(config), { ...context, ...more });
}

async function opened(
  t: { after(done: () => unknown): void },
  sink: WebhookSink,
  config: Partial<Config> = {},
  env: PrepareContext["env"] = {},
): Promise<Exporter> {
  const secret = config.secrets === undefined ? { secret: sink.secret } : {};
  const exporter = await prepare({ url: sink.url, ...secret, ...config }, { env }).open({
    checkpoint: undefined,
  });
  t.after(() => exporter.shutdown());
  return exporter;
}

function sent(exporter: Exporter, batch: EventBatch): Promise<ExportResult> {
  return exporter.export(batch, { signal: never });
}

async function retryReason(exporter: Exporter): Promise<string> {
  const result = await sent(exporter, testBatch(testEvents(1)));
  assert.equal(result.status, "retry");
  return result.reason;
}
