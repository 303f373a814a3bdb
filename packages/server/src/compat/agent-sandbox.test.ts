import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { callHttp, jsonLines, startDaemon, type TestDaemon } from "@sandglass/testkit";

let daemon: TestDaemon;
let url: string;
const KEY = `key_${randomBytes(24).toString("base64url")}`;
const READER = `key_${randomBytes(24).toString("base64url")}`;

before(async () => {
  daemon = await startDaemon({
    args: ["--agent-sandbox-listen", "--agent-sandbox-port", "0", "--agent-sandbox-org", "local"],
    apiKeys: [KEY, `${READER}@other`],
  });
  url = /agent_sandbox=(http:\/\/[^\s"]+)/.exec(daemon.logs())?.[1] ?? assert.fail(daemon.logs());
});
after(() => daemon.stop());

type Sent = RequestInit & { headers?: Record<string, string> };

function call(path: string, name: string, { headers, ...init }: Sent = {}): Promise<Response> {
  const all = {
    "x-sandbox-id": name,
    "x-sandbox-namespace": "ns",
    "x-sandbox-port": "8888",
    authorization: `Bearer ${KEY}`,
  };
  return fetch(`${url}${path}`, { ...init, headers: { ...all, ...headers } });
}

function execute(body: object, name: string, headers: Record<string, string> = {}): Promise<Response> {
  const init = { method: "POST", body: JSON.stringify(body) };
  return call("/execute", name, { ...init, headers: { "content-type": "application/json", ...headers } });
}

function upload(filename: string, content: string, name: string): Promise<Response> {
  const body = new FormData();
  body.set("file", new File([content], filename));
  return call("/upload", name, { method: "POST", body });
}

async function errorOf(answer: Response): Promise<{ status: number; code: string; message: string }> {
  const { error } = (await answer.json()) as { error: { code: string; message: string } };
  return { status: answer.status, ...error };
}

async function eventsOf(traceId: string) {
  const { text } = await callHttp(daemon, `GET /v1/events?traceId=${traceId}`);
  return jsonLines(text) as unknown as {
    type: string;
    spanId: string;
    parentSpanId: string;
    data: Record<string, unknown>;
  }[];
}

test("a name is a sandbox from its first use on, another namespace has another, and its calls are in the caller's trace", async () => {
  const traceId = randomBytes(16).toString("hex");
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
  const first = await execute({ command: "echo one >kept; echo out; echo err >&2; exit 3" }, "agent-1", {
    traceparent,
  });
  assert.deepEqual(await first.json(), { stdout: "out\n", stderr: "err\n", exit_code: 3, timed_out: false });
  const again = await execute({ command: "cat kept" }, "agent-1");
  assert.equal(((await again.json()) as { stdout: string }).stdout, "one\n");
  const other = await execute({ command: "cat kept" }, "agent-1", { "x-sandbox-namespace": "other" });
  assert.equal(((await other.json()) as { exit_code: number }).exit_code, 1);

  const events = await eventsOf(traceId);
  const request = events.find(({ type }) => type === "http.request");
  assert.equal(request?.parentSpanId, "00f067aa0ba902b7");
  assert.equal(request?.data.route, "/execute");
  for (const type of ["sandbox.created", "exec.completed"])
    assert.equal(events.find((event) => event.type === type)?.parentSpanId, request?.spanId, type);
});

test("files are uploaded, listed, found and downloaded below the working directory", async () => {
  assert.equal((await upload("/data/a b.txt", "hello\n", "files")).status, 200);
  assert.equal(await (await call("/download/data%2Fa%20b.txt", "files")).text(), "hello\n");
  assert.equal(await (await call("/download/data/a%20b.txt", "files")).text(), "hello\n");
  assert.deepEqual(await (await call("/exists/%2Fdata%2Fa%20b.txt", "files")).json(), {
    path: "data/a b.txt",
    exists: true,
  });
  assert.deepEqual(await (await call("/exists/data%2Fa%20b.txt%2Fc", "files")).json(), {
    path: "data/a b.txt/c",
    exists: false,
  });
  await execute({ command: "ln -s a data/link; mkdir data/sub" }, "files");
  const entries = (await (await call("/list/data", "files")).json()) as {
    name: string;
    type: string;
    size: number;
    mod_time: number;
  }[];
  assert.deepEqual(entries.map(({ name, type }) => [name, type]).sort(), [
    ["a b.txt", "file"],
    ["link", "file"],
    ["sub", "directory"],
  ]);
  assert.equal(entries.find(({ name }) => name === "a b.txt")?.size, 6);
  assert.ok(entries.every(({ mod_time }) => mod_time > 1_700_000_000));
  assert.deepEqual(((await (await call("/list/", "files")).json()) as object[]).length, 1);
  const missing = await errorOf(await call("/download/none", "files"));
  assert.deepEqual([missing.status, missing.code], [404, "FILE_NOT_FOUND"]);
});

test("a command that runs too long is ended, and says so as the API does", async () => {
  const answer = await execute({ command: "echo begun; sleep 60", timeout_seconds: 0.3 }, "agent-1");
  const { stdout, stderr, ...rest } = (await answer.json()) as Record<string, unknown>;
  assert.deepEqual(rest, { exit_code: 124, timed_out: true });
  assert.equal(stdout, "begun\n");
  assert.match(String(stderr), /ended: timed_out/);
});

test("an id of Sandglass names a sandbox that exists; it is not made, and not another organisation's", async () => {
  const { text } = await callHttp(daemon, "POST /v1/sandboxes", {
    json: { template: "bash", record: "metadata" },
  });
  const { id } = JSON.parse(text) as { id: string };
  assert.equal((await upload("secret-name.txt", "x", id)).status, 200);
  const traceId = randomBytes(16).toString("hex");
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  assert.equal((await call("/download/secret-name.txt", id, { headers })).status, 200);
  assert.doesNotMatch(JSON.stringify(await eventsOf(traceId)), /secret-name/);
  const foreign = await errorOf(
    await call("/exists/x", id, { headers: { authorization: `Bearer ${READER}` } }),
  );
  assert.equal(foreign.code, "SANDBOX_NOT_FOUND");
  assert.equal((await errorOf(await call("/exists/x", `sbx_${"0".repeat(26)}`))).code, "SANDBOX_NOT_FOUND");
});

test("one that has ended is made anew at its name's next use", async () => {
  await execute({ command: "echo x >old" }, "ending");
  const { text } = await callHttp(daemon, "GET /v1/sandboxes");
  const { items } = JSON.parse(text) as { items: { id: string; metadata: Record<string, string> }[] };
  const found = items.find(({ metadata }) => metadata["agent-sandbox.name"] === "ending");
  await callHttp(daemon, `DELETE /v1/sandboxes/${found?.id}`);
  assert.deepEqual(await (await call("/exists/old", "ending")).json(), { path: "old", exists: false });
});

test("without a key a caller is of the organisation that is configured for it, and sees no other's", async () => {
  const { status } = await fetch(`${url}/exists/kept`, {
    headers: { "x-sandbox-id": "agent-1", "x-sandbox-namespace": "ns" },
  });
  assert.equal(status, 200);
  const wrong = await errorOf(
    await call("/exists/kept", "agent-1", { headers: { authorization: "Bearer nonsense-nonsense" } }),
  );
  assert.deepEqual([wrong.status, wrong.code], [401, "UNAUTHORIZED"]);
});

test("what is not served is refused by its name, and a web page is refused whatever it asks", async () => {
  const agent = await errorOf(await call("/agent", "agent-1", { method: "POST" }));
  assert.deepEqual([agent.status, agent.code], [404, "ROUTE_NOT_FOUND"]);
  assert.match(agent.message, /POST \/agent is no call/);
  assert.match((await errorOf(await call("/v1/files/x", "agent-1", { method: "PUT" }))).message, /PUT \/v1/);
  const method = await call("/execute", "agent-1");
  assert.equal(method.headers.get("allow"), "POST");
  assert.equal((await errorOf(method)).code, "METHOD_NOT_ALLOWED");
  assert.match(
    (await errorOf(await call("/list/", "agent-1", { headers: { "x-sandbox-port": "3000" } }))).message,
    /X-Sandbox-Port 3000/,
  );
  for (const bad of ["", "-a", "a/b", "ä", "x".repeat(300)])
    assert.equal((await errorOf(await call("/list/", encodeURI(bad)))).code, "INVALID_REQUEST", bad);
  for (const body of [
    {},
    { command: 1 },
    { command: "" },
    { command: "a\0b" },
    { command: "a", timeout_seconds: -1 },
  ])
    assert.equal((await errorOf(await execute(body, "agent-1"))).code, "INVALID_REQUEST");
  const page = await errorOf(await execute({ command: "id" }, "agent-1", { origin: "https://evil.example" }));
  assert.equal(page.code, "ORIGIN_NOT_ALLOWED");
  assert.deepEqual(await (await fetch(`${url}/`)).json(), {
    status: "ok",
    message: "Sandbox Runtime is active.",
  });
});

test("a form that is refused before its end leaves the connection good for the next call", async () => {
  // It is there already: whoever waited for it would find the whole form come.
  assert.equal((await call("/exists/none", "forms")).status, 200);
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).setEncoding("utf8");
  const head = `host: ${hostname}\r\nauthorization: Bearer ${KEY}\r\nx-sandbox-id: forms\r\nx-sandbox-namespace: ns\r\n`;
  const form = '--B\r\ncontent-disposition: form-data; name="other"\r\n\r\nx\r\n--B--\r\nwhat nobody reads';
  const type = `content-type: multipart/form-data; boundary=B\r\ncontent-length: ${form.length}\r\n`;
  socket.write(`POST /upload HTTP/1.1\r\n${head}${type}\r\n${form}`);
  socket.write(`GET /exists/none HTTP/1.1\r\n${head}connection: close\r\n\r\n`);
  let text = "";
  for await (const chunk of socket) text += chunk;
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  assert.deepEqual(statuses, ["400", "200"], text);
});

test("a daemon that other machines reach refuses to serve it without keys, and a taken port is said", async () => {
  const listen = ["--agent-sandbox-listen", "--agent-sandbox-port"];
  await assert.rejects(
    startDaemon({ args: [...listen, "0", "--agent-sandbox-org", "local", "--host", "0.0.0.0"] }),
    /without keys on 0\.0\.0\.0/,
  );
  await assert.rejects(
    startDaemon({ args: [...listen, new URL(url).port] }),
    /another program listens there; set agentSandboxPort/,
  );
});

test("a download that is under way ends with the key that it was begun with, and is not taken for the whole", async () => {
  const created = await callHttp(daemon, "POST /v1/keys", { json: { name: "leaving" } });
  const { id, key } = JSON.parse(created.text) as { id: string; key: string };
  const authorization = { authorization: `Bearer ${key}` };
  await execute({ command: "truncate -s 300M big" }, "cut", authorization);
  const { status, body } = await call("/download/big", "cut", { headers: authorization });
  assert.equal(status, 200);
  const reader = body?.getReader() ?? assert.fail("an answer without a body");
  await reader.read();
  const revoked = await callHttp(daemon, `DELETE /v1/keys/${id}`);
  assert.equal(revoked.status, 204);
  const readOn = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  await assert.rejects(readOn());
  assert.equal((await call("/exists/big", "cut", { headers: authorization })).status, 401);
});
