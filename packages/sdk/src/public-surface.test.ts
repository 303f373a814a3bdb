import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import * as sandglass from "./index.ts";

/** Members that a user of the class sees. */
function membersOf(of: { prototype: object }): string {
  const ofClass = Object.getOwnPropertyNames(of).filter(
    (key) => !["length", "name", "prototype"].includes(key),
  );
  const ofInstance = Object.getOwnPropertyNames(of.prototype).filter((key) => key !== "constructor");
  return [...ofClass.map((key) => `static ${key}`), ...ofInstance].join(" ");
}

test("the exports are these: a change here is a change for every user", () => {
  assert.deepEqual(Object.keys(sandglass), [
    "Agent",
    "Client",
    "Commands",
    "ConnectionError",
    "Execs",
    "Exporters",
    "Files",
    "Keys",
    "Logs",
    "Metrics",
    "RecordedRuns",
    "Run",
    "SECRET_PATTERNS",
    "Sandbox",
    "Sandboxes",
    "SandglassError",
    "Status",
    "StreamError",
    "TimeoutError",
    "Traces",
    "VERSION",
    "outputBytes",
    "outputText",
  ]);
});

test("the methods of the classes are these", () => {
  assert.equal(membersOf(sandglass.Client), "createSandbox events run doctor consoleLink close");
  assert.equal(
    membersOf(sandglass.Sandbox),
    "static create static connect runCode runCodeStream info pause resume fork diff merge terminate close",
  );
  assert.equal(membersOf(sandglass.Sandboxes), "create connect get list deleteRecord");
  assert.equal(membersOf(sandglass.Commands), "run stream");
  assert.equal(membersOf(sandglass.Execs), "list get kill stream");
  assert.equal(
    membersOf(sandglass.Files),
    "read readText readStream write list stat exists mkdir move remove",
  );
  assert.equal(membersOf(sandglass.Exporters), "list get add replace remove retry deadLetters flush");
  assert.equal(membersOf(sandglass.RecordedRuns), "list get delete");
  assert.equal(membersOf(sandglass.Traces), "list get");
  assert.equal(membersOf(sandglass.Logs), "list tail");
  assert.equal(membersOf(sandglass.Metrics), "names series");
  assert.equal(membersOf(sandglass.Keys), "create rotate list revoke");
  assert.equal(
    membersOf(sandglass.Status),
    "get export incidents incident openIncident updateIncident maintenances scheduleMaintenance endMaintenance",
  );
  assert.equal(membersOf(sandglass.Agent), "toolCall tool agent llm thinking");
  assert.equal(membersOf(sandglass.Run), "flush complete during");
  assert.equal(typeof sandglass.Sandbox.prototype[Symbol.asyncDispose], "function");
});

test("every error extends the one root", () => {
  for (const error of [sandglass.ConnectionError, sandglass.StreamError, sandglass.TimeoutError]) {
    assert.ok(new error("x") instanceof sandglass.SandglassError);
  }
});

test("the version is the package's", async () => {
  const manifest = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  assert.equal(sandglass.VERSION, manifest.version);
});
