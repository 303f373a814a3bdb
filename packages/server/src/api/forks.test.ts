import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { callHttp, type HttpCall, jsonLines, startDaemon, type TestDaemon } from "@sandglass/testkit";

const MINE = "mine-0123456789abcdefg";
const OTHER = "other-0123456789abcdef";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({ apiKeys: [MINE, `${OTHER}@other`] });
});
after(() => daemon.stop());

async function create(json: object = { template: "bash" }): Promise<string> {
  return (await callHttp(daemon, "POST /v1/sandboxes", { json })).json.id;
}

async function write(id: string, path: string, body: string): Promise<void> {
  assert.equal((await callHttp(daemon, `PUT /v1/sandboxes/${id}/files/${path}`, { body })).status, 201);
}

async function fork(id: string, call: HttpCall = {}): Promise<string[]> {
  const { status, json } = await callHttp(daemon, `POST /v1/sandboxes/${id}/fork`, call);
  assert.equal(status, 201, JSON.stringify(json));
  return json.children.map((child: { id: string }) => child.id);
}

async function refusal(
  line: string,
  call: HttpCall = {},
): Promise<{ status: number; code: string; message: string }> {
  const { status, json } = await callHttp(daemon, line, call);
  return { status, code: json.error.code, message: json.error.message };
}

test("a fork answers with children that say whose they are, in the caller's trace", async () => {
  const parent = await create({ template: "bash", metadata: { team: "data" } });
  await write(parent, "a", "1");
  const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
  const { status, json, headers } = await callHttp(daemon, `POST /v1/sandboxes/${parent}/fork`, {
    json: { n: 2 },
    headers: { traceparent },
  });
  assert.equal(status, 201);
  assert.equal(json.children.length, 2);
  const [, , span] = String(headers.traceresponse).split("-");
  for (const { id, state, ...rest } of json.children) {
    assert.deepEqual([state, rest], ["files", {}]);
    const { json: info } = await callHttp(daemon, `GET /v1/sandboxes/${id}`);
    assert.deepEqual(
      [info.parentId, info.source, info.state, info.metadata, info.traceId],
      [parent, "snapshot", "running", { team: "data" }, TRACE],
    );
    assert.equal((await callHttp(daemon, `GET /v1/sandboxes/${id}/files/a`)).text, "1");
  }
  const events = jsonLines(
    (await callHttp(daemon, `GET /v1/events?sandboxId=${parent}&types=sandbox.forked`)).text,
  );
  assert.equal(events.length, 1);
  assert.deepEqual([events[0].traceId, events[0].parentSpanId], [TRACE, span]);
  assert.deepEqual(
    events[0].data.children.toSorted(),
    json.children.map(({ id }: { id: string }) => id).toSorted(),
  );
  const { json: trace } = await callHttp(daemon, `GET /v1/traces/${TRACE}`);
  const names = trace.spans.map(({ name }: { name: string }) => name);
  assert.deepEqual(names.filter((name: string) => name.startsWith("sandbox.")).toSorted(), [
    "sandbox.create",
    "sandbox.create",
    "sandbox.fork",
  ]);
  const forkSpan = trace.spans.find(({ name }: { name: string }) => name === "sandbox.fork");
  assert.deepEqual([forkSpan.parentSpanId, forkSpan.attributes["sandglass.fork.count"]], [span, 2]);
});

test("without a body it is one; a number that cannot be is refused", async () => {
  const parent = await create();
  assert.equal((await fork(parent)).length, 1);
  for (const n of [0, 33, 1.5, "2"]) {
    const { status, code, message } = await refusal(`POST /v1/sandboxes/${parent}/fork`, { json: { n } });
    assert.deepEqual([status, code], [400, "INVALID_REQUEST"], String(n));
    assert.match(message, /\bn must be/);
  }
});

test("a retry with the same key gets the same children", async () => {
  const parent = await create();
  const headers = { "idempotency-key": randomUUID() };
  const [first, again] = await Promise.all([1, 2].map(() => fork(parent, { json: { n: 2 }, headers })));
  assert.deepEqual(first, again);
  const { json } = await callHttp(daemon, "GET /v1/sandboxes");
  assert.equal(json.items.filter(({ parentId }: { parentId?: string }) => parentId === parent).length, 2);
});

test("a diff is against the parent unless it says otherwise, and a sandbox that has none needs to be told", async () => {
  const parent = await create();
  const [one, other] = await fork(parent, { json: { n: 2 } });
  await write(one as string, "ones", "1");
  await write(other as string, "others", "1");
  const { status, json } = await callHttp(daemon, `GET /v1/sandboxes/${one}/diff`);
  assert.equal(status, 200);
  assert.deepEqual(json, {
    against: parent,
    added: ["/workspace/ones"],
    modified: [],
    removed: [],
    truncated: false,
  });
  const sideways = await callHttp(daemon, `GET /v1/sandboxes/${one}/diff?against=${other}`);
  assert.deepEqual(sideways.json.removed, ["/workspace/others"]);
  const none = await refusal(`GET /v1/sandboxes/${parent}/diff`);
  assert.deepEqual([none.status, none.code], [400, "INVALID_REQUEST"]);
  assert.match(none.message, /not forked from another/);
  assert.equal(
    (await callHttp(daemon, `GET /v1/sandboxes/${parent}/diff?against=${one}`)).json.removed[0],
    "/workspace/ones",
  );
  assert.equal((await refusal(`GET /v1/sandboxes/${one}/diff?against=x`)).code, "INVALID_REQUEST");
});

test("a merge takes the winner's files and ends it, which the record says", async () => {
  const parent = await create();
  const [one] = await fork(parent);
  await write(one as string, "a", "won");
  const merged = await callHttp(daemon, `POST /v1/sandboxes/${parent}/merge_into/${one}`);
  assert.deepEqual([merged.status, merged.text], [204, ""]);
  assert.equal((await callHttp(daemon, `GET /v1/sandboxes/${parent}/files/a`)).text, "won");
  const { json } = await callHttp(daemon, `GET /v1/sandboxes/${one}`);
  assert.deepEqual([json.state, json.cause, json.parentId], ["terminated", "merged", parent]);
  const [event] = jsonLines(
    (await callHttp(daemon, `GET /v1/events?sandboxId=${parent}&types=sandbox.merged`)).text,
  );
  const { durationMs, ...data } = event.data;
  assert.deepEqual(data, { winner: one, added: 1, modified: 0, removed: 0 });
  assert.ok(durationMs > 0);
  for (const line of [
    `GET /v1/sandboxes/${one}/diff`,
    `POST /v1/sandboxes/${one}/fork`,
    `POST /v1/sandboxes/${parent}/merge_into/${one}`,
  ]) {
    const { status, code } = await refusal(line);
    assert.deepEqual([status, code], [409, "SANDBOX_ENDED"], line);
  }
  const self = await refusal(`POST /v1/sandboxes/${parent}/merge_into/${parent}`);
  assert.deepEqual([self.status, self.code], [400, "INVALID_REQUEST"]);
});

test("what a key may not do, and what another organisation has, is refused", async () => {
  const parent = await create();
  const [child] = await fork(parent);
  const { json } = await callHttp(daemon, "POST /v1/keys", {
    json: { name: "reader", scopes: ["sandboxes:read"] },
  });
  const reader = { apiKey: json.key };
  assert.equal((await callHttp(daemon, `GET /v1/sandboxes/${child}/diff`, reader)).status, 200);
  for (const line of [
    `POST /v1/sandboxes/${parent}/fork`,
    `POST /v1/sandboxes/${parent}/merge_into/${child}`,
  ]) {
    assert.equal((await refusal(line, reader)).code, "FORBIDDEN", line);
  }
  const { json: theirs } = await callHttp(daemon, "POST /v1/sandboxes", {
    apiKey: OTHER,
    json: { template: "bash" },
  });
  for (const line of [
    `POST /v1/sandboxes/${theirs.id}/fork`,
    `GET /v1/sandboxes/${child}/diff?against=${theirs.id}`,
    `GET /v1/sandboxes/${theirs.id}/diff?against=${child}`,
    `POST /v1/sandboxes/${parent}/merge_into/${theirs.id}`,
    `POST /v1/sandboxes/${theirs.id}/merge_into/${child}`,
  ]) {
    const { status, code } = await refusal(line);
    assert.deepEqual([status, code], [404, "SANDBOX_NOT_FOUND"], line);
  }
});

test("a parent that is ended while its forks are made has their making in front of its end", async () => {
  const outcomes = new Set<number>();
  for (const waitMs of [0, 10, 20, 40, 60, 80, 120]) {
    const parent = await create();
    const forking = callHttp(daemon, `POST /v1/sandboxes/${parent}/fork`, { json: { n: 3 } });
    await delay(waitMs);
    const ended = await callHttp(daemon, `DELETE /v1/sandboxes/${parent}`);
    assert.equal(ended.status, 204, ended.text);
    const { status, json } = await forking;
    outcomes.add(status);
    if (status !== 201) assert.equal(json.error.code, "SANDBOX_ENDED");
    const events = jsonLines((await callHttp(daemon, `GET /v1/events?sandboxId=${parent}`)).text);
    const types = events.map(({ type }) => type);
    assert.equal(types.at(-1), "sandbox.terminated", types.join(" "));
    assert.equal(types.includes("sandbox.forked"), status === 201);
    for (const { id } of json.children ?? []) await callHttp(daemon, `DELETE /v1/sandboxes/${id}`);
  }
  assert.ok(outcomes.has(201), "some were made");
});
