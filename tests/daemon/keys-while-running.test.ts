import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import {
  callHttp,
  jsonLines,
  openHttp,
  startDaemon,
  startHttp,
  type TestDaemon,
  until,
} from "@sandglass/testkit";

const run = promisify(execFile);
let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({
    args: ["--pool", "python=0", "--otlp-listen", "--otlp-port", "0", "--otlp-grpc-port", "0"],
  });
});
after(() => daemon.stop());

async function keys(...args: string[]): Promise<string> {
  const env = { ...process.env, SANDGLASS_URL: daemon.url, SANDGLASS_API_KEY: daemon.apiKey };
  return (await run("bin/sandglass", ["keys", ...args], { env })).stdout.trim();
}
const made = async (...args: string[]): Promise<{ id: string; key: string; scopes: string[] }> =>
  JSON.parse(await keys("create", "--json", ...args));
const statusOf = async (apiKey: string, line = "GET /v1/sandboxes") =>
  (await callHttp(daemon, line, { apiKey })).status;

test("a key is made with scopes and an end, used, rotated with a grace, and revoked, all while the daemon runs", async () => {
  const { id, key, scopes } = await made(
    "ci",
    "--scope",
    "sandboxes:read",
    "events:read",
    "--expires",
    "90d",
  );
  assert.deepEqual(scopes, ["sandboxes:read", "events:read"]);
  assert.deepEqual([await statusOf(key), await statusOf(key, "POST /v1/sandboxes")], [200, 403]);
  const [listed] = JSON.parse(await keys("list", "--json")).filter((each: { id: string }) => each.id === id);
  assert.ok(Date.parse(listed.expiresAt) > Date.now() && Date.parse(listed.lastUsedAt) <= Date.now());
  const next = await keys("rotate", id, "--grace", "1h");
  assert.notEqual(next, key);
  assert.deepEqual([await statusOf(key), await statusOf(next)], [200, 200]);
  const last = await keys("rotate", id);
  assert.deepEqual([await statusOf(key), await statusOf(next), await statusOf(last)], [401, 401, 200]);
  await keys("revoke", id);
  assert.equal(await statusOf(last), 401);
  for (const secret of [key, next, last]) assert.ok(!daemon.logs().includes(secret));
});

test("a stream ends with the key that it was begun with, and the exec behind it does not", async () => {
  const { id, key } = await made("follower");
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes", { json: {} });
  const events = await openHttp(daemon, "GET /v1/events?follow=true", { apiKey: key });
  const line = `POST /v1/sandboxes/${sandbox.id}/exec`;
  const exec = await openHttp(daemon, line, { apiKey: key, json: { command: "sleep 1000" } });
  const ends = [events, exec].map(
    (stream) =>
      new Promise((resolve) =>
        stream
          .on("error", resolve)
          .on("end", () => assert.fail("it is no whole answer"))
          .resume(),
      ),
  );
  await keys("revoke", id);
  await Promise.all(ends);
  const { json } = await callHttp(
    daemon,
    `GET /v1/sandboxes/${sandbox.id}/execs/${exec.headers["x-exec-id"]}`,
  );
  assert.equal(json.state, "running");
  await callHttp(daemon, `DELETE /v1/sandboxes/${sandbox.id}`);
});

/** A request of which only the first bytes have come, and which was let in with this key: nothing else has used it. */
async function beginWith({ id, key }: { id: string; key: string }, line: string, body: string) {
  const outgoing = startHttp(daemon, line, {
    apiKey: key,
    headers: {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
    },
    isOpen: true,
  });
  // "" where it was broken off without an answer.
  const answer = once(outgoing, "response").then(
    async ([response]: IncomingMessage[]) => {
      let text = "";
      for await (const chunk of response as IncomingMessage) text += chunk;
      return { status: response?.statusCode, text };
    },
    () => ({ status: 0, text: "" }),
  );
  outgoing.write(body.slice(0, 5));
  await until("it was let in", async () => {
    const { items } = (await callHttp(daemon, "GET /v1/keys")).json;
    return items.some((each: { id: string; lastUsedAt?: string }) => each.id === id && each.lastUsedAt);
  });
  return { answer, sendRest: () => outgoing.end(body.slice(5)) };
}
const namesOfKeys = async (): Promise<string[]> =>
  (await callHttp(daemon, "GET /v1/keys")).json.items.map(({ name }: { name: string }) => name);

const ENDINGS = {
  revoked: ({ id }: { id: string }) => keys("revoke", id),
  "rotated out": ({ id }: { id: string }) => keys("rotate", id),
  expired: ({ id }: { id: string }) =>
    until("it is over", async () => {
      const { items } = (await callHttp(daemon, "GET /v1/keys")).json;
      const { expiresAt } = items.find((each: { id: string }) => each.id === id);
      return Date.parse(expiresAt) < Date.now();
    }),
};

test("a key that ends while the body of its request comes is refused, and nothing is done", async (t) => {
  for (const [name, end] of Object.entries(ENDINGS)) {
    await t.test(name, async () => {
      const key = await made(name, ...(name === "expired" ? ["--expires", "8s"] : []));
      const begun = await beginWith(key, "POST /v1/keys", JSON.stringify({ name: `by one ${name}` }));
      await end(key);
      begun.sendRest();
      const { status, text } = await begun.answer;
      assert.deepEqual([status, JSON.parse(text).error.code], [401, "UNAUTHORIZED"], text);
      assert.ok(!(await namesOfKeys()).includes(`by one ${name}`));
    });
  }
});

test("a key that ends is not waited for until the body is there, and one in its grace goes on", async () => {
  const [ended, kept] = [await made("ended"), await made("kept")];
  const cut = await beginWith(ended, "POST /v1/keys", JSON.stringify({ name: "by one that ended" }));
  const going = await beginWith(kept, "POST /v1/keys", JSON.stringify({ name: "by one in its grace" }));
  await keys("revoke", ended.id);
  await keys("rotate", kept.id, "--grace", "1h");
  assert.equal((await cut.answer).status, 401);
  going.sendRest();
  assert.equal((await going.answer).status, 201);
});

test("no command is begun, no file written and no telemetry taken with a key that ended on the way", async () => {
  const { json: sandbox } = await callHttp(daemon, "POST /v1/sandboxes", { json: {} });
  const path = `/v1/sandboxes/${sandbox.id}`;
  const command = JSON.stringify({ command: "touch begun" });
  const spans = JSON.stringify({ resourceSpans: [], note: "x".repeat(1000) });
  for (const [line, body, status] of [
    [`POST ${path}/exec`, command, 401],
    [`PUT ${path}/files/half`, "the whole of it", 0],
    ["POST /otlp/v1/traces", spans, 0],
  ] as const) {
    const key = await made("writer", "--scope", "sandboxes:write");
    const begun = await beginWith(key, line, body);
    await keys("revoke", key.id);
    assert.equal((await begun.answer).status, status, line);
  }
  assert.deepEqual((await callHttp(daemon, `GET ${path}/execs`)).json.items, []);
  assert.deepEqual((await callHttp(daemon, `GET ${path}/files?path=.`)).json.items, []);
  await callHttp(daemon, `DELETE ${path}`);
});

test("an exporter is not begun with a key that ended while its destination was asked for", async (t) => {
  const asked = Promise.withResolvers<() => void>();
  const destination = createServer((_, response) => asked.resolve(() => response.end("{}")));
  await once(destination.listen(0, "127.0.0.1"), "listening");
  t.after(() => destination.close());
  const { id, key } = await made("exporting");
  const url = `http://127.0.0.1:${(destination.address() as AddressInfo).port}`;
  const adding = callHttp(daemon, "POST /v1/exporters", {
    apiKey: key,
    json: { id: "way-out", provider: "axiom", required: true, config: { token: "xaat-1", url } },
  });
  const answer = await asked.promise;
  await keys("revoke", id);
  answer();
  const { status, text } = await adding;
  assert.deepEqual([status, JSON.parse(text).error.code], [401, "UNAUTHORIZED"], text);
  assert.deepEqual((await callHttp(daemon, "GET /v1/exporters")).json.items, []);
});

test("telemetry is taken of keys that may write, at each port, and not a moment longer than they are valid", async () => {
  const { id, key } = await made("agent", "--scope", "sandboxes:write");
  const { key: reader } = await made("reader", "--scope", "sandboxes:read", "events:read");
  const port = /otlp_http=\S*?:(\d+)/.exec(daemon.logs())?.[1];
  const own = { url: `http://127.0.0.1:${port}`, apiKey: "" };
  const ask = async (target: { url: string; apiKey: string }, path: string, apiKey: string) =>
    (await callHttp(target, `POST ${path}`, { apiKey, json: { resourceSpans: [] } })).status;
  assert.deepEqual(
    [await ask(daemon, "/otlp/v1/traces", key), await ask(own, "/v1/traces", key)],
    [200, 200],
  );
  assert.deepEqual(
    [await ask(daemon, "/otlp/v1/traces", reader), await ask(own, "/v1/traces", reader)],
    [403, 401],
  );
  await keys("revoke", id);
  assert.equal(await ask(daemon, "/otlp/v1/traces", key), 401);
  // What it knows of keys is another process's: told at once, and not asked whether it has heard.
  await until("the collector has heard", async () => (await ask(own, "/v1/traces", key)) === 401);
});

test("the record says which key a request came with, and from where", async () => {
  const { id, key } = await made("audited");
  await statusOf(key, "GET /v1/doctor");
  await until("it is recorded", async () => {
    const lines = jsonLines((await callHttp(daemon, "GET /v1/events?types=http.request")).text);
    return lines.some(
      ({ data }) => data.keyId === id && data.clientAddress === "127.0.0.1" && data.route === "/v1/doctor",
    );
  });
});
