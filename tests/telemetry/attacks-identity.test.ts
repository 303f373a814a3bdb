import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { callHttp, jsonLines, until } from "@sandglass/testkit";
import { AttackedDaemon, type Withstood } from "./attacked-daemon.ts";
import type { ReceivedEntry } from "./telemetry-sink.ts";

const OWNED = [
  "sandglass.sandbox.id",
  "sandglass.org.id",
  "sandglass.template.id",
  "sandglass.run.id",
  "service.instance.id",
  "container.id",
];
/** Said in a way that not every reader understands alike. */
const MALFORMED = ["wrong wire type", "group", "cut"];

describe("a sandbox that says it is another one", () => {
  let victim: AttackedDaemon;
  let withstood: Withstood<Record<string, number>>;
  let forged: ReceivedEntry[];
  before(async () => {
    victim = await AttackedDaemon.start();
    withstood = await victim.withstands(() => victim.attack("identity.py", victim.neighbour.id));
    forged = await until("all that was taken is there", () => {
      const found = victim.sink.entries.filter(({ names }) =>
        names.some((name) => name.startsWith("forged-")),
      );
      return found.length >= spansTaken(withstood.report) && found;
    });
  });
  after(() => victim?.[Symbol.asyncDispose]());

  test("is believed nothing of it, however it is written and whatever it is sent in", () => {
    const { id } = victim.attacker;
    const expected = {
      "sandglass.sandbox.id": [id],
      "sandglass.org.id": ["default"],
      "sandglass.template.id": ["python"],
      "sandglass.run.id": [],
      "service.instance.id": [id],
      "container.id": [id],
    };
    for (const { names, resources, attributes } of forged) {
      const values = OWNED.map((key) => [
        key,
        attributes.filter(([name]) => name === key).map(([, value]) => value),
      ]);
      assert.deepEqual({ resources, ...Object.fromEntries(values) }, { resources: 1, ...expected }, names[0]);
    }
  });

  test("keeps its own telemetry: what was only signed wrongly arrives, each as often as it was taken", () => {
    const names = Map.groupBy(
      forged.flatMap((entry) => entry.names),
      (name) => name,
    );
    assert.equal(names.get("forged-plain")?.length, 3);
    for (const name of [
      "forged-split",
      "forged-json-escaped",
      "forged-metadata",
      "forged-absolute-elsewhere",
    ])
      assert.ok(names.has(name), name);
    const refused = Object.entries(withstood.report).filter(([name]) => MALFORMED.includes(name));
    assert.deepEqual(
      refused,
      MALFORMED.map((name) => [name, 400]),
    );
    const others = Object.entries(withstood.report).filter(
      ([name]) => !/^(path|method) |^(CONNECT|web page)$/.test(name) && !MALFORMED.includes(name),
    );
    for (const [name, status] of others)
      assert.equal(status, /^(gRPC|metadata|authority)/.test(name) ? 0 : 200, name);
  });

  test("finds nothing on its ports that is not for it: no other path, no tunnel, no web page", () => {
    const { report } = withstood;
    for (const [name, status] of Object.entries(report)) {
      if (name.startsWith("path ")) assert.equal(status, 404, name);
      if (name.startsWith("method ")) assert.equal(status, 405, name);
    }
    assert.equal(report.CONNECT, 0);
    assert.equal(report["web page"], 403);
  });

  test("is seen: what was refused is counted", () => {
    const { malformed, unsupported } = withstood.refused;
    const others = Object.keys(withstood.report).filter((name) => /^(path|method) |^web page$/.test(name));
    assert.equal(malformed, MALFORMED.length);
    assert.equal(unsupported, others.length);
  });

  test("is the only one that its model calls are ascribed to", async () => {
    await victim.withstands(() => victim.attack("rate.py", "model calls", "0.2"));
    const events = await until("something was derived", async () => {
      const { text } = await callHttp(victim.daemon, "GET /v1/events?types=cost.llm");
      return text !== "" && jsonLines(text);
    });
    for (const { sandboxId, orgId, data } of events)
      assert.deepEqual([sandboxId, orgId, data.origin], [victim.attacker.id, "default", "sandbox"]);
  });
});

/** Spans that were taken: one of each, and a second in one. */
function spansTaken(report: Record<string, number>): number {
  const taken = Object.values(report).filter((status) => status === 200 || status === 0).length;
  return taken - Object.keys(report).filter((name) => name === "CONNECT").length;
}
