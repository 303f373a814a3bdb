import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { callHttp, type HttpCall, startDaemon, type TestDaemon } from "@sandglass/testkit";

let daemon: TestDaemon;
let sandboxId: string;
before(async () => {
  daemon = await startDaemon();
  sandboxId = (await callHttp(daemon, "POST /v1/sandboxes")).json.id;
});
after(() => daemon.stop());

/** Every refusal has the catalogue's form; returns what differs. */
async function refusal(line: string, call: HttpCall = {}) {
  const { status, headers, json } = await callHttp(daemon, line, call);
  assert.deepEqual(Object.keys(json), ["error"]);
  const { code, message, hint, requestId } = json.error;
  assert.equal(requestId, headers["x-request-id"]);
  assert.equal(headers["x-error-code"], code);
  assert.match(headers["content-type"] ?? "", /^application\/json/);
  assert.match(String(headers.traceresponse), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/);
  return { status, code, message: String(message), hint, headers };
}

test("an unknown path is told from an unknown method, which says what is possible", async () => {
  const path = await refusal("GET /v1/nothing");
  assert.deepEqual([path.status, path.code], [404, "ROUTE_NOT_FOUND"]);
  assert.equal((await refusal("GET /v1/sandboxes/")).code, "ROUTE_NOT_FOUND");
  const method = await refusal("PUT /v1/sandboxes");
  assert.deepEqual([method.status, method.code], [405, "METHOD_NOT_ALLOWED"]);
  assert.deepEqual(method.headers.allow?.split(", ").toSorted(), ["GET", "POST"]);
  for (const odd of ["PROPFIND", "QUERY"])
    assert.equal((await refusal(`${odd} /v1/sandboxes`)).code, "METHOD_NOT_ALLOWED", odd);
  assert.equal((await refusal(`POST /v1/sandboxes/${sandboxId}/files/a.txt`)).code, "METHOD_NOT_ALLOWED");
});

test("a body that is not JSON is refused without being repeated", async () => {
  const json = { "content-type": "application/json" };
  const broken = await refusal("POST /v1/sandboxes", { body: '{"template": hunter2}', headers: json });
  assert.deepEqual([broken.status, broken.code], [400, "INVALID_REQUEST"]);
  assert.ok(!broken.message.includes("hunter2"));
  assert.equal(
    (await refusal("POST /v1/sandboxes", { body: new Uint8Array([0x22, 0xff, 0x22]), headers: json })).code,
    "INVALID_REQUEST",
  );
  assert.equal((await refusal("POST /v1/sandboxes", { body: "[]", headers: json })).code, "INVALID_REQUEST");
  const polluted = await refusal("POST /v1/sandboxes", {
    body: '{"env": {"__proto__": {"x": "1"}}}',
    headers: json,
  });
  assert.match(polluted.message, /__proto__/);
});

test("another content type than JSON is refused, and so is none", async () => {
  for (const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "nonsense",
    undefined,
  ]) {
    const answer = await refusal("POST /v1/sandboxes", { body: "{}", headers: { "content-type": type } });
    assert.deepEqual([answer.status, answer.code], [415, "UNSUPPORTED_MEDIA_TYPE"], String(type));
  }
});

test("a compressed body is refused instead of being read as text", async () => {
  const headers = { "content-type": "application/json", "content-encoding": "gzip" };
  assert.equal((await refusal("POST /v1/sandboxes", { body: "{}", headers })).code, "UNSUPPORTED_MEDIA_TYPE");
});

test("a JSON body with parameters or a suffix in its type is taken", async () => {
  for (const type of ["application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json"]) {
    const { status, json } = await callHttp(daemon, "POST /v1/sandboxes", {
      body: '{"template":"python"}',
      headers: { "content-type": type },
    });
    assert.equal(status, 201);
    await callHttp(daemon, `DELETE /v1/sandboxes/${json.id}`);
  }
});

test("a body over the limit is refused, whether it says its length or not", async () => {
  const huge = "x".repeat(17 * 1024 * 1024);
  const known = await refusal("POST /v1/sandboxes", { json: { template: huge } });
  assert.deepEqual([known.status, known.code], [413, "PAYLOAD_TOO_LARGE"]);
  const chunked = await refusal("POST /v1/sandboxes", {
    json: { template: huge },
    headers: { "content-length": undefined, "transfer-encoding": "chunked" },
  });
  assert.equal(chunked.code, "PAYLOAD_TOO_LARGE");
});

test("an unknown or ill-typed field is named, with the nearest known one", async () => {
  const unknown = await refusal("POST /v1/sandboxes", { json: { memoryMB: 64 } });
  assert.equal(unknown.status, 400);
  assert.match(unknown.message, /memoryMB.*memoryMb/);
  assert.match(
    (await refusal("POST /v1/sandboxes", { json: { memoryMb: "64" } })).message,
    /memoryMb must be a number/,
  );
  assert.match(
    (await refusal(`POST /v1/sandboxes/${sandboxId}/exec`, { json: {} })).message,
    /code, command, argv/,
  );
  assert.match((await refusal("GET /v1/events?follow=perhaps")).message, /follow must be true or false/);
  assert.match((await refusal("GET /v1/events?foo=1")).message, /foo/);
  assert.match((await refusal("GET /v1/sandboxes?limit=0")).message, /limit/);
});

test("what does not exist is said to be what it is", async () => {
  const nobody = "sbx_00000000000000000000000000";
  const codes = {
    [`GET /v1/sandboxes/${nobody}`]: "SANDBOX_NOT_FOUND",
    [`DELETE /v1/sandboxes/${nobody}`]: "SANDBOX_NOT_FOUND",
    [`POST /v1/sandboxes/${nobody}/pause`]: "SANDBOX_NOT_FOUND",
    [`GET /v1/sandboxes/${nobody}/execs`]: "SANDBOX_NOT_FOUND",
    [`GET /v1/sandboxes/${sandboxId}/execs/exec_none`]: "EXEC_NOT_FOUND",
    [`GET /v1/sandboxes/${sandboxId}/execs/exec_none/stream`]: "EXEC_NOT_FOUND",
    [`POST /v1/sandboxes/${sandboxId}/execs/exec_none/kill`]: "EXEC_NOT_FOUND",
    [`GET /v1/sandboxes/${sandboxId}/files/none.txt`]: "FILE_NOT_FOUND",
    [`GET /v1/traces/${"1".repeat(32)}`]: "TRACE_NOT_FOUND",
    "DELETE /v1/keys/key_none": "KEY_NOT_FOUND",
  };
  for (const [line, code] of Object.entries(codes)) {
    const answer = await refusal(line);
    assert.deepEqual([answer.status, answer.code], [404, code], line);
  }
});

test("a path that cannot be decoded, or holds what no path can, is refused", async () => {
  assert.equal((await refusal("GET /v1/sandboxes/%zz")).code, "INVALID_REQUEST");
  assert.equal((await refusal(`GET /v1/sandboxes/${sandboxId}/files/%00`)).code, "INVALID_REQUEST");
  assert.equal((await refusal("GET /v1/traces/xyz")).code, "INVALID_REQUEST");
  assert.equal(
    (
      await refusal("POST /v1/runs/nope/events", {
        json: { events: [{ type: "agent.error", data: { message: "x" } }] },
      })
    ).code,
    "INVALID_REQUEST",
  );
});

test("a cursor that is none is refused before a stream begins", async () => {
  const answer = await refusal("GET /v1/events?after=nonsense");
  assert.deepEqual([answer.status, answer.code], [400, "INVALID_CURSOR"]);
  assert.equal((await refusal("GET /v1/sandboxes?cursor=nonsense")).code, "INVALID_CURSOR");
});

test("an error of HEAD has its code and its words in headers, there being no body", async () => {
  const { status, headers, text } = await callHttp(daemon, `HEAD /v1/sandboxes/${sandboxId}/files/n%C3%B6ne`);
  assert.deepEqual([status, headers["x-error-code"], text], [404, "FILE_NOT_FOUND", ""]);
  const message = decodeURIComponent(String(headers["x-error-message"]));
  assert.equal(message, "stat /workspace/n\u00f6ne: no such file or directory");
});

test("a body where none is asked for is no surprise", async () => {
  const empty = { "content-type": "application/json" };
  const paused = await callHttp(daemon, `POST /v1/sandboxes/${sandboxId}/pause`, {
    body: "",
    headers: empty,
  });
  assert.deepEqual([paused.status, paused.json.state], [200, "paused"]);
  const resumed = await callHttp(daemon, `POST /v1/sandboxes/${sandboxId}/resume`, { json: {} });
  assert.deepEqual([resumed.status, resumed.json.state], [200, "running"]);
  const { status, json } = await callHttp(daemon, "POST /v1/sandboxes", { headers: empty });
  assert.equal(status, 201);
  assert.equal((await callHttp(daemon, `DELETE /v1/sandboxes/${json.id}`, { json: {} })).status, 204);
});

test("what is not HTTP is answered in the catalogue's form and cut off", async () => {
  const socket = connect(Number(new URL(daemon.url).port), "127.0.0.1").setEncoding("utf8");
  socket.write("NONSENSE\r\n\r\n");
  let text = "";
  for await (const chunk of socket) text += chunk;
  assert.match(text, /^HTTP\/1\.1 400 /);
  assert.match(text, /"code":"INVALID_REQUEST"/);
  assert.match(text, /x-request-id: req_/);
});

test("what HTTP itself has to refuse is refused in the catalogue's form, and says why", async () => {
  const { hostname, port } = new URL(daemon.url);
  for (const [head, said] of [
    ["", "the Host header is missing"],
    [`host: ${hostname}\r\nexpect: miracles\r\n`, "nothing can be expected but 100-continue"],
  ] as const) {
    const socket = connect(Number(port), hostname).setEncoding("utf8");
    socket.write(`GET /healthz HTTP/1.1\r\n${head}connection: close\r\n\r\n`);
    let text = "";
    for await (const chunk of socket) text += chunk;
    assert.match(text, /^HTTP\/1\.1 400 /);
    assert.match(text, new RegExp(`"code":"INVALID_REQUEST","message":"${said}"`));
  }
});

test("a target that is a whole URL is its path, and its host is the one that counts", async () => {
  const { status, json } = await callHttp(daemon, `GET ${daemon.url}/healthz`);
  assert.deepEqual([status, json.status], [200, "ok"]);
  assert.equal((await refusal("GET http://evil.example/healthz")).code, "HOST_NOT_ALLOWED");
});

test("the connection stays good for the next request behind every kind of refusal", async () => {
  const { hostname, port } = new URL(daemon.url);
  const socket = connect(Number(port), hostname).setEncoding("utf8");
  const head = `host: ${hostname}\r\nauthorization: Bearer ${daemon.apiKey}\r\n`;
  const requests = [
    `POST /v1/sandboxes HTTP/1.1\r\n${head}content-type: text/plain\r\ncontent-length: 5\r\n\r\nhello`,
    `POST /v1/sandboxes HTTP/1.1\r\n${head}content-type: application/json\r\ncontent-length: 1\r\n\r\n{`,
    `GET /v1/none HTTP/1.1\r\n${head}\r\n`,
    `GET /healthz HTTP/1.1\r\n${head}connection: close\r\n\r\n`,
  ];
  socket.write(requests.join(""));
  let text = "";
  for await (const chunk of socket) text += chunk;
  assert.deepEqual(
    [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
    ["415", "400", "404", "200"],
  );
});
