import assert from "node:assert/strict";
import { test } from "node:test";
import { SandglassError } from "@sandglass/protocol";
import { explain } from "./explain.ts";

test("what failed is said before what failed when it was given back, each with its reason", async () => {
  const start = async (): Promise<void> => {
    await using acquired = new AsyncDisposableStack();
    acquired.defer(() => {
      throw new Error("the log was not closed", { cause: new Error("EIO") });
    });
    acquired.defer(() => {
      throw new Error("the port was not closed");
    });
    throw new SandglassError("LOG_UNAVAILABLE", "the log is in use", { hint: "stop the other daemon" });
  };
  const error = await start().then(undefined, (reason: unknown) => reason);
  assert.equal(
    explain(error),
    "the log is in use; stop the other daemon; then the port was not closed; then the log was not closed: EIO",
  );
});

test("a cause is not said twice", () => {
  const cause = new Error("no such host");
  assert.equal(explain(new Error("cannot reach it", { cause })), "cannot reach it: no such host");
  assert.equal(
    explain(new Error("cannot reach it: no such host", { cause })),
    "cannot reach it: no such host",
  );
});
