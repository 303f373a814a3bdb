import assert from "node:assert/strict";
import dns from "node:dns";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { until } from "@sandglass/testkit";
import { Webhook } from "standardwebhooks";
import { ChangeLog } from "../../packages/server/src/status/change-log.ts";
import { openStatusDatabase } from "../../packages/server/src/status/open-status-database.ts";
import { StatusDatabase } from "../../packages/server/src/status/status-database.ts";
import { Subscriptions } from "../../packages/server/src/status/subscriptions/subscriptions.ts";

interface Got {
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: messages have many shapes
  data: any;
  id: string;
  headers: Record<string, string>;
  body: string;
}

/** What the receiver says next; a message that is answered 200 is had. */
let answers: number[] = [];
let repeatsChallenge = true;
/** What it answers instead. */
let redirect: { status: number; location: string } | undefined;
type LookupDone = (error: Error | null, found: string | dns.LookupAddress[], family?: number) => void;
const got: Got[] = [];
let receiver: Server;
let url: string;
let dir: string;
let database: StatusDatabase;
let changes: ChangeLog;
let subscriptions: Subscriptions;

before(async () => {
  receiver = createServer(async (request, response) => {
    const message = await read(request);
    got.push(message);
    if (redirect !== undefined) {
      response.writeHead(redirect.status, { location: redirect.location }).end();
      return;
    }
    const status = message.type === "subscription.verification" ? 200 : (answers.shift() ?? 200);
    response
      .writeHead(status)
      .end(JSON.stringify(repeatsChallenge ? { challenge: message.data.challenge } : {}));
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  dir = await mkdtemp(join(tmpdir(), "sg-webhooks-"));
  open();
});
after(async () => {
  await subscriptions.close();
  database.close();
  receiver.close();
  await rm(dir, { recursive: true });
});

test("whoever does not repeat the challenge is not subscribed", async () => {
  repeatsChallenge = false;
  assert.equal(await subscriptions.subscribeWebhook(url, []), undefined);
  repeatsChallenge = true;
  assert.equal(webhooks(), 0);
});

test("messages verify with the secret, come in order, are repeated with the same id, and go on after a restart", async () => {
  const made = await subscriptions.subscribeWebhook(url, []);
  assert.ok(made);
  got.length = 0;
  answers = [500, 503];
  change("status.changed", {
    component: "api",
    name: "API",
    from: "operational",
    to: "major_outage",
    reason: "private",
  });
  change("incident.opened", incident("investigating", ["api", "hidden"]));
  await until("the first came three times and the second once", () => got.length === 4);
  const ids = got.map(({ id }) => id);
  assert.deepEqual([ids[0], ids[0], got[3]!.type], [ids[1], ids[2], "incident.opened"]);
  assert.notEqual(ids[3], ids[0]);
  for (const { body, headers } of got) new Webhook(made.secret).verify(body, headers);
  await until("it is known to be told", () => subscriptions.stats().oldestPendingMs === undefined);
  const { deliveries } = subscriptions.stats();
  assert.deepEqual([attempts(deliveries, "failed"), attempts(deliveries, "delivered")], [2, 2]);
  // Neither what a probe said nor what is hidden is anybody's business.
  assert.deepEqual(got[0]!.data, { component: "api", name: "API", from: "operational", to: "major_outage" });
  assert.deepEqual(got[3]!.data.components, ["api"]);

  await subscriptions.close();
  change("incident.updated", incident("monitoring", ["hidden"]));
  change("incident.resolved", { ...incident("resolved", ["api"]), durationMs: 5 });
  database.close();
  open();
  const last = await until("what happened meanwhile is told", () => got[4]);
  assert.equal(last.type, "incident.resolved");
  new Webhook(made.secret).verify(last.body, last.headers);
});

test("a redirect is followed neither where it is asked nor where it is told, wherever it leads", async () => {
  let inside = 0;
  await using target = createServer((_, response) => {
    inside += 1;
    response.end();
  }).listen(0, "127.0.0.1");
  await once(target, "listening");
  const { port } = target.address() as AddressInfo;
  for (const status of [301, 307, 308]) {
    redirect = { status, location: `http://127.0.0.1:${port}/` };
    assert.equal(await subscriptions.subscribeWebhook(url, []), undefined);
  }
  redirect = undefined;
  const made = await subscriptions.subscribeWebhook(url, []);
  assert.ok(made);
  redirect = { status: 307, location: `http://[::ffff:127.0.0.1]:${port}/` };
  const failed = attempts(subscriptions.stats().deliveries, "failed") ?? 0;
  change("incident.opened", incident("investigating", []));
  await until(
    "two attempts were answered by a redirect",
    () => (attempts(subscriptions.stats().deliveries, "failed") ?? 0) >= failed + 2,
  );
  redirect = undefined;
  await until("it is told in the end", () => subscriptions.stats().oldestPendingMs === undefined);
  assert.equal(inside, 0);
  subscriptions.remove(made.id);
});

test("a name that leads inside by the time something is sent is not called", async (t) => {
  // A hostile DNS is what cannot be had here; the name is public by its look, and was when it was subscribed.
  const answer = [{ address: "127.0.0.1", family: 4 }];
  const lookup = t.mock.method(dns, "lookup", ((
    _host: string,
    options: dns.LookupOptions,
    done: LookupDone,
  ) => (options.all ? done(null, answer) : done(null, "127.0.0.1", 4))) as typeof dns.lookup);
  const named = url.replace("127.0.0.1", "hooks.acme.example");
  const made = await subscriptions.subscribeWebhook(named, []);
  assert.ok(made, "the name led to nobody");
  const [before, asked] = [got.length, lookup.mock.callCount()];
  await subscriptions.close();
  database.close();
  open({ publicOnly: true });
  change("incident.opened", incident("investigating", []));
  await until("it was looked up for two attempts", () => lookup.mock.callCount() >= asked + 2);
  const { pending } = subscriptions.stats();
  assert.ok(pending.some(({ kind, count }) => kind === "webhook" && count > 0));
  assert.equal(await subscriptions.subscribeWebhook(named.replace("http:", "https:"), []), undefined);
  assert.equal(got.length, before);
  subscriptions.remove(made.id);
  await subscriptions.close();
  database.close();
  open();
});

test("one that is gone (410) is told nothing more", async () => {
  answers = [410];
  change("incident.opened", incident("investigating", []));
  await until("it is no subscriber any more", () => webhooks() === 0);
  const { pending, oldestPendingMs, deliveries } = subscriptions.stats();
  assert.deepEqual([pending.every(({ count }) => count === 0), oldestPendingMs], [true, undefined]);
  assert.equal(attempts(deliveries, "gone"), 1);
});

/** How many are subscribed. */
function webhooks(): number | undefined {
  return subscriptions
    .stats()
    .subscriptions.find(({ kind, state }) => kind === "webhook" && state === "confirmed")?.count;
}

function attempts(points: ReturnType<Subscriptions["stats"]>["deliveries"], outcome: string) {
  return points.find(
    ({ labels }) => labels?.["sandglass.kind"] === "webhook" && labels["sandglass.outcome"] === outcome,
  )?.value;
}

function open({ publicOnly = false } = {}): void {
  const kept = openStatusDatabase(join(dir, "status.db"), (reason) => assert.fail(reason));
  database = new StatusDatabase(kept);
  changes = new ChangeLog(database);
  subscriptions = new Subscriptions({
    ...{ database, changes, service: "Acme", url: undefined, mail: undefined, webhooks: true },
    isPublic: (id) => id !== "hidden",
    nameOf: (id) => id,
    onProblem: (message, error) => assert.fail(`${message}: ${error}`),
    publicOnly,
    firstRetryMs: 10,
  });
}

function change(...[type, data]: [Parameters<ChangeLog["append"]>[0], object]): void {
  changes.append(type, data as never, Date.now());
  changes.wake();
}

function incident(status: string, components: string[]) {
  return {
    incidentId: "inc_1",
    title: "Slow",
    impact: "minor",
    status,
    components,
    message: "So.",
    automatic: true,
  };
}

async function read(request: IncomingMessage): Promise<Got> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString("utf8");
  const headers = request.headers as Record<string, string>;
  const { type, data } = JSON.parse(body) as Pick<Got, "type" | "data">;
  return { type, data, body, headers, id: headers["webhook-id"] ?? "" };
}
