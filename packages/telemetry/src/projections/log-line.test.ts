import assert from "node:assert/strict";
import { test } from "node:test";
import { EVENT_TYPES, type RuntimeEvent } from "@sandglass/protocol";
import { seededRandom } from "../log/testing/test-log.ts";
import { inputOf, newPlace } from "../record/testing/event-inputs.ts";
import { formatLogJson, formatLogText, toLogLine } from "./log-line.ts";
import { LOG_MESSAGES } from "./log-messages.ts";

const place = newPlace({
  sandboxId: "sbx_x",
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  parentSpanId: "1111111111111111",
});
const request = { method: "POST", path: "/v1/sandboxes/sbx_x/exec", parentSpanId: "00f067aa0ba902b7" };

function eventOf(input: ReturnType<typeof inputOf>): RuntimeEvent {
  return { timestamp: "2026-04-18T14:00:00Z", ...input, id: "evt_1", seq: 1 } as RuntimeEvent;
}

test("a line of a request reads as the design shows it, in text and in JSON", () => {
  const line = toLogLine(
    eventOf(inputOf(place, "sandbox.started", { template: "python", connectMs: 0 })),
    request,
  );
  assert.equal(
    formatLogText(line),
    '2026-04-18T14:00:00Z INFO http_request method=POST path=/v1/sandboxes/sbx_x/exec trace_id=4bf92f3577b34da6a3ce929d0e0e4736 parent_span_id=00f067aa0ba902b7 message="agent connected" id=sbx_x connect_ms=0',
  );
  assert.equal(
    formatLogJson(line),
    '{"timestamp":"2026-04-18T14:00:00Z","level":"INFO","message":"agent connected","span":{"name":"http_request","method":"POST","path":"/v1/sandboxes/sbx_x/exec","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","parent_span_id":"00f067aa0ba902b7"},"sandbox_id":"sbx_x","connect_ms":0}',
  );
});

test("a request's own line has its method, path and the caller's span, and is of target http", () => {
  const data = {
    method: "GET",
    route: "/v1/sandboxes/{id}",
    path: "/v1/sandboxes/sbx_x",
    status: 404,
    durationMs: 1.23456789,
    requestId: "req_1",
    errorCode: "SANDBOX_NOT_FOUND",
  };
  const caller = { ...place, sandboxId: "", parentSpanId: "00f067aa0ba902b7" };
  const line = toLogLine(eventOf(inputOf(caller, "http.request", data, { level: "warn" })));
  assert.equal(line.target, "http");
  assert.match(
    formatLogText(line),
    /^\S+ WARN http_request method=GET path=\/v1\/sandboxes\/sbx_x trace_id=4bf9\w+ parent_span_id=00f067aa0ba902b7 message="request complete" status=404 duration_ms=1\.234568 request_id=req_1 error_code=SANDBOX_NOT_FOUND$/,
  );
});

test("without a request the line is of its target and its own parent; an absent parent is said too", () => {
  const host = newPlace({ sandboxId: "", orgId: "", parentSpanId: "", traceId: place.traceId });
  const line = toLogLine(eventOf(inputOf(host, "host.started", { version: "0.1.0", pid: 7 })));
  assert.equal(
    formatLogText(line),
    `2026-04-18T14:00:00Z INFO host trace_id=${place.traceId} parent_span_id="" message="host started" version=0.1.0 pid=7`,
  );
});

test("the messages are the field's own", () => {
  const messages = (
    [
      "sandbox.claimed",
      "sandbox.booted",
      "exec.completed",
      "sandbox.forked",
      "sandbox.merged",
      "sandbox.terminated",
      "http.request",
    ] as const
  ).map((type) => LOG_MESSAGES[type].message);
  assert.deepEqual(messages, [
    "sandbox claimed",
    "sandbox booted",
    "exec complete",
    "fork complete",
    "merge complete",
    "sandbox destroyed",
    "request complete",
  ]);
  assert.deepEqual(Object.keys(LOG_MESSAGES).sort(), [...EVENT_TYPES].sort());
});

test("code, commands, output and paths never reach the log", () => {
  const secret = "hunter2";
  const outcome = {
    exitCode: 1,
    cause: "exited",
    durationMs: 1,
    cpuMs: 1,
    maxRssBytes: 1,
    stdoutBytes: 1,
    stderrBytes: 1,
  } as const;
  const inputs = [
    inputOf(place, "exec.started", { execId: "e", kind: "command", command: secret, cwd: secret }),
    inputOf(place, "exec.completed", {
      execId: "e",
      kind: "code",
      code: secret,
      stdoutTail: secret,
      stderrTail: secret,
      ...outcome,
    }),
    inputOf(place, "file.created", { path: secret, sizeBytes: 1, durationMs: 1 }),
    inputOf(place, "file.error", { path: secret, operation: "read", code: "X", message: secret }),
    inputOf(place, "agent.tool_call", { toolName: "t", toolCallId: "c", arguments: secret }),
    inputOf(place, "agent.thinking", { text: secret, bytes: 1 }),
  ];
  for (const input of inputs) {
    const line = toLogLine(eventOf(input));
    assert.ok(!formatLogText(line).includes(secret) && !formatLogJson(line).includes(secret), input.type);
  }
});

test("whatever a value holds, one event is one line, nothing invisible is printed and the value can be read back", () => {
  const random = seededRandom(4);
  const nasty = [
    "\n",
    "\r",
    "\u2028",
    "\u2029",
    "\u0085",
    "\0",
    "\x1b[2J",
    '"',
    "=",
    " ",
    "\\",
    "\u202e",
    "\ud800",
    "é",
    "💡",
    "a",
    "\u{e0001}",
    "\t",
    "'",
  ];
  for (let round = 0; round < 2000; round++) {
    const reason = Array.from({ length: random(8) }, () => nasty[random(nasty.length)]!).join("");
    const line = toLogLine(eventOf(inputOf(place, "network.denied", { host: "h", port: 1, reason })), {
      ...request,
      path: `/${reason}`,
    });
    const text = formatLogText(line);
    const json = formatLogJson(line);
    assert.doesNotMatch(text, /[\p{C}\p{Zl}\p{Zp}]/u, JSON.stringify(reason));
    assert.doesNotMatch(json, /[\p{Cc}\p{Zl}\p{Zp}]/u);
    assert.equal((JSON.parse(json) as { reason?: string }).reason ?? "", reason);
    const printed = reason === "" ? undefined : / reason=("(?:[^"\\]|\\.)*"|\S+)$/.exec(text)?.[1];
    const value = printed?.startsWith('"') ? (JSON.parse(printed) as string) : printed;
    assert.equal(value ?? "", reason, text);
  }
});
