import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { callHttp, startDaemon, type TestDaemon, until } from "@sandglass/testkit";
import { MailServer, type ReceivedMail } from "./mail-server.ts";
import { linkIn, STATUS_URL as PUBLIC, postForm } from "./subscribing.ts";
import { watched } from "./watched-daemon.ts";

const PASSWORD = "correct-horse-battery";

let server: MailServer;
let daemon: TestDaemon;

before(async () => {
  server = await MailServer.start("status", PASSWORD);
  daemon = await startDaemon(
    watched({
      SANDGLASS_STATUS_TITLE: "Acme",
      SANDGLASS_STATUS_URL: PUBLIC,
      SANDGLASS_STATUS_SUBSCRIPTIONS_SMTP: `smtp://status:${PASSWORD}@127.0.0.1:${server.port}`,
      SANDGLASS_STATUS_SUBSCRIPTIONS_FROM: "Acme status <status@acme.example>",
      SANDGLASS_STATUS_COMPONENTS: JSON.stringify({ pool: { hidden: true } }),
    }),
  );
});
after(async () => {
  await daemon?.stop();
  await server?.[Symbol.asyncDispose]();
});

test("the page offers mail and feeds, needs no script, and names no component that is hidden", async () => {
  const { status, text, headers } = await callHttp(daemon, "GET /status/subscribe", { apiKey: "" });
  assert.equal(status, 200);
  assert.match(text, /type="email"/);
  assert.match(text, /history\.atom/);
  assert.doesNotMatch(text, /<script|value="pool"|type="url"/);
  assert.match(String(headers["content-security-policy"]), /default-src 'none'.*form-action 'self'/);
  assert.equal(headers["cache-control"], "no-store");
  assert.match((await callHttp(daemon, "GET /status", { apiKey: "" })).text, /href="\/status\/subscribe"/);
});

test("who confirms is told of what they chose, in one conversation, and ends it with one POST", async () => {
  const asked = await subscribe("ada@Example.ORG");
  assert.equal(asked.status, 202);
  const question = await mailTo("ada@example.org", 1);
  assert.match(question.headers.get("subject") ?? "", /Confirm your subscription to Acme status/);
  assert.equal(question.from, "status@acme.example");
  const link = linkIn(question);

  // Nobody has said yes.
  const first = await open("Store is slow", { store: "degraded_performance" });
  const page = await callHttp(daemon, `GET ${link}`, { apiKey: "" });
  assert.match(page.text, /Confirm your subscription.*ada@example\.org/s);
  assert.match((await post(link, { action: "confirm", component: "store" })).text, /You are subscribed/);

  await open("Log is slow", { log: "degraded_performance" });
  await say(first, "We know why.");
  const told = await mailTo("ada@example.org", 2);
  assert.match(told.headers.get("subject") ?? "", /^\[Acme\] Identified: Store is slow$/);
  assert.match(told.text, /We know why\./);
  assert.match(told.text, /Affected: Store/);
  assert.ok(told.text.includes(`${PUBLIC}/status/incidents/${first}`));
  assert.equal(told.headers.get("in-reply-to"), `<${first}@status.example.com>`);
  assert.equal(told.headers.get("list-unsubscribe-post"), "List-Unsubscribe=One-Click");
  const oneClick = /^<https:\/\/status\.example\.com(.+)>$/.exec(
    told.headers.get("list-unsubscribe") ?? "",
  )?.[1];
  assert.equal((await post(oneClick ?? "", { "List-Unsubscribe": "One-Click" })).status, 200);
  // Again, as mail programs do.
  assert.equal((await post(oneClick ?? "", { "List-Unsubscribe": "One-Click" })).status, 200);
  assert.equal((await callHttp(daemon, `GET ${link}`, { apiKey: "" })).status, 404);

  // Somebody who is told at the same time: when they were, she would have been.
  await subscribe("bob@example.org");
  await post(linkIn(await mailTo("bob@example.org", 1)), { action: "confirm" });
  await say(first, "It is well again.", "resolved");
  assert.match((await mailTo("bob@example.org", 2)).headers.get("subject") ?? "", /Resolved: Store is slow/);
  assert.equal(server.mails.filter(({ to }) => to === "ada@example.org").length, 2);
});

test("nobody finds out by the form who is subscribed, and nobody is mailed again and again", async () => {
  const known = await subscribe("bob@example.org");
  const unknown = await subscribe("carol@example.org");
  assert.deepEqual([known.status, untimed(known.text)], [unknown.status, untimed(unknown.text)]);
  await mailTo("carol@example.org", 1);
  const reminder = await mailTo("bob@example.org", 3);
  assert.match(reminder.headers.get("subject") ?? "", /You are subscribed to Acme status/);
  // The third within the hour looks the same, and sends nothing.
  const again = await subscribe("bob@example.org");
  assert.deepEqual([again.status, untimed(again.text)], [known.status, untimed(known.text)]);
  await subscribe("dora@example.org");
  await mailTo("dora@example.org", 1);
  assert.equal(server.mails.filter(({ to }) => to === "bob@example.org").length, 3);
});

test("forms of other sites, wrong links, what is no address, and too many are refused", async () => {
  const headers = { origin: "https://evil.example", "content-type": "application/x-www-form-urlencoded" };
  const body = "kind=email&address=eve@example.org";
  assert.equal((await callHttp(daemon, "POST /status/subscribe", { apiKey: "", headers, body })).status, 403);
  assert.equal(
    (await callHttp(daemon, "GET /status/subscription?id=sub_x&token=y", { apiKey: "" })).status,
    404,
  );
  for (const address of ["", "no", "a@b", "a@127.0.0.1", "a@x.example, b@x.example", "a\r\nBcc: b@x.example"])
    assert.equal((await subscribe(address)).status, 422, address);
  const asked = await until("it is too many", async () => {
    const answer = await subscribe("eve@example.org");
    return answer.status === 429 ? answer : undefined;
  });
  assert.ok(Number(asked.headers["retry-after"]) > 0);
});

test("the password of the mail server is in no log line", () => {
  assert.ok(!daemon.logs().includes(PASSWORD));
});

function subscribe(address: string) {
  return post("/status/subscribe", { kind: "email", address });
}

function post(path: string, fields: Record<string, string>) {
  return postForm(daemon, path, fields);
}

/** The `count`th mail to an address. */
function mailTo(address: string, count: number): Promise<ReceivedMail> {
  return until(
    `mail ${count} to ${address}`,
    () => server.mails.filter(({ to }) => to === address)[count - 1],
  );
}

async function open(title: string, components: Record<string, string>): Promise<string> {
  const { status, json, text } = await callHttp(daemon, "POST /v1/incidents", {
    json: { title, message: "We look into it.", components },
  });
  assert.equal(status, 201, text);
  return json.id;
}

async function say(incident: string, message: string, status = "identified"): Promise<void> {
  const answer = await callHttp(daemon, `POST /v1/incidents/${incident}/updates`, {
    json: { message, status },
  });
  assert.equal(answer.status, 201, answer.text);
}

/** Without the times that a page shows. */
function untimed(page: string): string {
  return page.replace(/<time.*?<\/time>/g, "");
}
