import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { outcomeOfStatus } from "./grpc-outcome.ts";

const WHERE = "http://collector:4317";

function outcome(
  code: number,
  details = "",
  signal: "traces" | "logs" = "traces",
  statusDetails?: Uint8Array,
) {
  return outcomeOfStatus(signal, { code, details, statusDetails }, WHERE);
}

test("every code of gRPC has its meaning: only what is wrong with the data is given up", () => {
  const expected = {
    CANCELLED: "retry",
    UNKNOWN: "retry",
    INVALID_ARGUMENT: "fail",
    DEADLINE_EXCEEDED: "retry",
    NOT_FOUND: "retry",
    ALREADY_EXISTS: "fail",
    PERMISSION_DENIED: "retry",
    RESOURCE_EXHAUSTED: "retry",
    FAILED_PRECONDITION: "retry",
    ABORTED: "retry",
    OUT_OF_RANGE: "retry",
    UNIMPLEMENTED: "retry",
    INTERNAL: "retry",
    UNAVAILABLE: "retry",
    DATA_LOSS: "retry",
    UNAUTHENTICATED: "retry",
  };
  const codes = Object.entries(status).filter(([name, code]) => typeof code === "number" && name !== "OK");
  assert.deepEqual(
    Object.fromEntries(codes.map(([name, code]) => [name, outcome(code as number).status])),
    expected,
  );
  for (const [name, code] of codes) {
    const told = outcome(code as number, "why");
    assert.match(told.status === "ok" ? "" : (told.reason ?? ""), new RegExp(`${name}.*: why$`));
  }
});

test("a signal that has no service there is told from a destination that is no OTLP at all", () => {
  assert.equal(outcome(status.UNIMPLEMENTED, "", "logs").status, "unsupported");
  assert.equal(outcome(status.UNIMPLEMENTED, "", "traces").status, "retry");
});

test("a message above the server's limit is split, though its code means later", () => {
  const details = "grpc: received message larger than max (5000000 vs. 4194304)";
  assert.equal(outcome(status.RESOURCE_EXHAUSTED, details).status, "fail");
  assert.equal(
    outcome(status.RESOURCE_EXHAUSTED, "Received message larger than max (9 vs 4)").status,
    "fail",
  );
  assert.equal(outcome(status.RESOURCE_EXHAUSTED, "over quota").status, "retry");
});

test("details that cannot be read change nothing", () => {
  const told = outcome(status.UNAVAILABLE, "busy", "traces", Buffer.of(0x1a, 0xff));
  assert.deepEqual(told, {
    status: "retry",
    reason: `${WHERE}: gRPC UNAVAILABLE: busy`,
    afterMs: undefined,
  });
});
