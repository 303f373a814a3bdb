import assert from "node:assert/strict";
import { test } from "node:test";
import { callContext } from "@sandglass/testkit";
import { GroupExecs } from "./group-execs.ts";

test("what an exec left behind is that exec's however many came after it; what has gone is forgotten", () => {
  const alive = new Set(["server", "other"]);
  const execs = new GroupExecs((group) => alive.has(group));
  const set = (group: string): void => execs.set(group, { id: group, context: callContext(), spanId: "1" });
  for (const group of ["server", "gone", "other"]) set(group);
  for (let at = 0; at < 3000; at++) set(`exec${at}`);
  assert.deepEqual(
    ["server", "gone", "other", "exec0", "exec2999"].map((group) => execs.get(group)?.id),
    ["server", undefined, "other", undefined, "exec2999"],
  );
});
