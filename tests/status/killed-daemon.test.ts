import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { callHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { parseMetrics, sampleValue } from "../../packages/server/src/metrics/testing/parse-metrics.ts";
import { MailServer } from "./mail-server.ts";
import { linkIn, postForm, STATUS_URL } from "./subscribing.ts";
import { readJson, watched } from "./watched-daemon.ts";

const KILLS = 2;
/** Answers that are had before the kill comes: anywhere in the midst of what is written. */
const [FEWEST, MOST] = [4, 24];
const SUBSCRIBERS = 2;

/** What the daemon said that it has, in the order in which it said so. */
interface Acknowledged {
  incidents: Map<string, { updates: string[]; isResolved: boolean; askedAt: number }>;
  subscribers: Map<string, { confirmedAt: number }>;
}

let dataDir: string;
let mail: MailServer;
let daemon: TestDaemon;

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "sandglass-status-"));
  mail = await MailServer.start("status", "a-password");
});
after(async () => {
  await daemon?.stop();
  await mail?.[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

test("killed at any moment, the page keeps what it said it has, tells all who are to be told, and counts no time as measured that it was away", async () => {
  const had: Acknowledged = { incidents: new Map(), subscribers: new Map() };
  for (let round = 1; round <= KILLS; round++) {
    const before = measured();
    const startedAt = Date.now();
    daemon = await start();
    await hasAll(had);
    const goal = counted(had) + randomInt(FEWEST, MOST);
    const writers = [writeIncidents(had), subscribe(had, round)];
    await until("the API was looked at twice", async () => (await probesOfApi()) >= 2);
    await until("enough was written", () => counted(had) >= goal);
    await daemon.kill();
    const failed = (await Promise.allSettled(writers)).filter(({ status }) => status === "rejected");
    assert.deepEqual(failed, []);
    const during = probed(startedAt);
    const gainedMs = measured() - before;
    assert.ok(gainedMs > 0 && gainedMs <= during, `round ${round}: ${gainedMs} ms of ${during} ms`);
  }
  daemon = await start();
  await hasAll(had);
  await until("everybody is told of everything", () => untold(had).length === 0);
  assert.ok(had.subscribers.size > 0 && had.incidents.size > KILLS);
});

function start(): Promise<TestDaemon> {
  const { env } = watched({
    SANDGLASS_STATUS_URL: STATUS_URL,
    SANDGLASS_STATUS_SUBSCRIPTIONS_SMTP: `smtp://status:a-password@127.0.0.1:${mail.port}`,
    SANDGLASS_STATUS_SUBSCRIPTIONS_FROM: "status@acme.example",
    SANDGLASS_STORE_ENABLED: "false",
    SANDGLASS_COLLECTOR_ENABLED: "false",
  });
  return startDaemon({ dataDir, env: env ?? {} });
}

/** Opens incidents, goes on with them and resolves every other one, until nobody answers any more. */
async function writeIncidents({ incidents }: Acknowledged): Promise<void> {
  const say = (line: string, json: object) => callHttp(daemon, line, { json }).catch(() => undefined);
  for (let count = 0; ; count++) {
    const askedAt = performance.now();
    const json = {
      title: `Incident ${count}`,
      message: "It is seen.",
      components: { log: "partial_outage" },
    };
    const opened = await say("POST /v1/incidents", json);
    if (opened === undefined) return;
    assert.equal(opened.status, 201, opened.text);
    const known = { updates: ["It is seen."], isResolved: false, askedAt };
    incidents.set(opened.json.id, known);
    for (const status of ["identified", "resolved"].slice(0, 1 + (count % 2))) {
      const message = `It is ${status}.`;
      const updated = await say(`POST /v1/incidents/${opened.json.id}/updates`, { message, status });
      if (updated === undefined) return;
      assert.equal(updated.status, 201, updated.text);
      known.updates.unshift(message);
      known.isResolved = status === "resolved";
    }
  }
}

/** Subscribes a few addresses, each with its two steps. */
async function subscribe({ subscribers }: Acknowledged, round: number): Promise<void> {
  for (let count = 0; count < SUBSCRIBERS; count++) {
    const address = `reader${round}.${count}@example.org`;
    const isAsked = await post("/status/subscribe", { kind: "email", address });
    const question = isAsked && (await until("the question came", () => mailsTo(address)[0] ?? isDead()));
    if (typeof question !== "object") return;
    if (!(await post(linkIn(question), { action: "confirm" }))) return;
    subscribers.set(address, { confirmedAt: performance.now() });
  }
}

/** Whether it was answered: a daemon that was killed answers nothing. */
async function post(path: string, fields: Record<string, string>): Promise<boolean> {
  const answer = await postForm(daemon, path, fields).catch(() => undefined);
  if (answer !== undefined) assert.ok(answer.status < 300, answer.text);
  return answer !== undefined;
}

/** True where it is, for `until`; undefined where it is not. */
function isDead(): true | undefined {
  try {
    process.kill(daemon.pid, 0);
    return undefined;
  } catch {
    return true;
  }
}

async function hasAll({ incidents, subscribers }: Acknowledged): Promise<void> {
  for (const [id, { updates, isResolved }] of incidents) {
    const kept = await readJson(daemon, `/v1/incidents/${id}`);
    const messages: string[] = kept.updates.map(({ message }: { message: string }) => message);
    // One more may have been written whose answer the kill cut off.
    assert.deepEqual(messages.slice(-updates.length), updates, id);
    assert.ok(messages.length <= updates.length + 1, id);
    if (isResolved) assert.equal(kept.status, "resolved", id);
  }
  const confirmed = await metric("sandglass_status_subscriptions", { kind: "email", state: "confirmed" });
  assert.ok(confirmed >= subscribers.size, `${confirmed} of ${subscribers.size}`);
}

/** Pairs of who was subscribed before an incident was opened, and the incident, that no mail has come of. */
function untold({ incidents, subscribers }: Acknowledged): string[] {
  return [...subscribers].flatMap(([address, { confirmedAt }]) => {
    const text = mailsTo(address)
      .map((each) => each.text)
      .join("\n");
    return [...incidents]
      .filter(([id, { askedAt }]) => askedAt > confirmedAt && !text.includes(`/status/incidents/${id}`))
      .map(([id]) => `${address} ${id}`);
  });
}

function mailsTo(address: string) {
  return mail.mails.filter(({ to }) => to === address);
}

function counted({ incidents, subscribers }: Acknowledged): number {
  return [...incidents.values()].reduce((sum, { updates }) => sum + updates.length, subscribers.size);
}

function probesOfApi(): Promise<number> {
  return metric("sandglass_status_probes_total", { component: "api", state: "operational" });
}

async function metric(name: string, labels: Record<string, string>): Promise<number> {
  const headers = { accept: "application/openmetrics-text; version=1.0.0" };
  const { text } = await callHttp(daemon, "GET /metrics", { headers });
  return sampleValue(parseMetrics(text, "openmetrics"), name, labels) ?? 0;
}

/** Milliseconds of the API that are shown as measured, whatever as; checks the whole file on the way. */
function measured(): number {
  return ask((database) => {
    assert.deepEqual({ ...database.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
    const sql = `SELECT coalesce(sum(up + degraded + partial + down + maintenance), 0) AS ms
      FROM days JOIN components ON key = component WHERE id = 'api'`;
    return (database.prepare(sql).get() as { ms: number }).ms;
  });
}

/** Milliseconds between the first and the last probe of the API since then. */
function probed(since: number): number {
  return ask((database) => {
    const sql = `SELECT max(at) - min(at) AS ms FROM probes JOIN components ON key = component
      WHERE id = 'api' AND at >= ?`;
    return (database.prepare(sql).get(since) as { ms: number | null }).ms ?? 0;
  });
}

/** Of the file as the kill left it, with its journal. */
function ask(question: (database: DatabaseSync) => number): number {
  const path = join(dataDir, "status", "status.db");
  // Before the first start there is none.
  if (!existsSync(path)) return 0;
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return question(database);
  } finally {
    database.close();
  }
}
