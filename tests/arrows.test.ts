import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  arrows,
  checkLength,
  checkSource,
  type HousePackage,
  longFiles,
  maxLines,
  type SourceFile,
} from "./house-rules.ts";

const root = join(import.meta.dirname, "..");

const house: HousePackage[] = globSync("packages/*/package.json", { cwd: root }).map((path) => {
  const manifest = JSON.parse(readFileSync(join(root, path), "utf8"));
  const dev = Object.keys(manifest.devDependencies ?? {});
  return {
    folder: path.split("/")[1] ?? "",
    name: manifest.name,
    exports: Object.keys(manifest.exports ?? {}),
    dependencies: new Set([
      ...Object.keys(manifest.dependencies ?? {}),
      ...Object.keys(manifest.peerDependencies ?? {}),
      ...Object.keys(manifest.optionalDependencies ?? {}),
    ]),
    devDependencies: new Set(dev),
  };
});

function sources(pattern: string): SourceFile[] {
  return globSync(pattern, { cwd: root }).map((path) => ({
    path,
    text: readFileSync(join(root, path), "utf8"),
  }));
}

describe("the house", () => {
  test("every package with code has its arrows, and every arrow leads to a package with a known place", () => {
    const withCode = house
      .map((entry) => entry.folder)
      .filter((folder) => existsSync(join(root, "packages", folder, "src")));
    assert.ok(withCode.length > 0, "no package was found");
    for (const folder of withCode) assert.ok(folder in arrows, `packages/${folder} has no arrows`);
    for (const targets of Object.values(arrows)) {
      if (targets !== "anything public") for (const target of targets) assert.ok(target in arrows, target);
    }
  });

  test("imports follow the arrows, and only a main file ends the process", () => {
    const files = sources("packages/*/src/**/*.{ts,tsx}");
    assert.ok(files.length > 0, "no source file was found");
    assert.deepEqual(
      files.flatMap((file) => checkSource(file, house)),
      [],
    );
  });

  test(`no source file is longer than ${maxLines} lines without a reason`, () => {
    const files = sources("packages/*/src/**/*.{ts,tsx,mts,js,mjs,py,css}");
    assert.deepEqual(files.flatMap(checkLength), []);
  });

  test("every excuse for a long file is still needed", () => {
    for (const [path, reason] of Object.entries(longFiles)) {
      assert.ok(existsSync(join(root, path)), `${path} is gone`);
      assert.ok(reason.length > 0, `${path} has no reason`);
      const text = readFileSync(join(root, path), "utf8");
      assert.ok(text.split("\n").length - 1 > maxLines, `${path} is short enough by now`);
    }
  });
});

describe("the rules themselves", () => {
  const bad: Array<[why: string, path: string, text: string, complaint: RegExp]> = [
    [
      "runtime to telemetry",
      "packages/runtime/src/a.ts",
      'import { Log } from "@sandglass/telemetry";',
      /no arrow from runtime to telemetry/,
    ],
    [
      "types count too",
      "packages/telemetry/src/a.ts",
      'import type { A } from "@sandglass/runtime";',
      /no arrow from telemetry to runtime/,
    ],
    [
      "inline import types",
      "packages/sdk/src/a.ts",
      'let a: import("@sandglass/server").A;',
      /no arrow from sdk to server/,
    ],
    [
      "dynamic import",
      "packages/sdk/src/a.ts",
      'await import("@sandglass/server");',
      /no arrow from sdk to server/,
    ],
    [
      "re-export",
      "packages/protocol/src/a.ts",
      'export * from "sandglass";',
      /no arrow from protocol to sdk/,
    ],
    [
      "cli past the sdk",
      "packages/cli/src/a.ts",
      'import { A } from "@sandglass/runtime";',
      /no arrow from cli to runtime/,
    ],
    [
      "testkit outside a test",
      "packages/server/src/a.ts",
      'import { A } from "@sandglass/testkit";',
      /no arrow from server to testkit/,
    ],
    [
      "tests keep the arrows",
      "packages/runtime/src/a.test.ts",
      'import { A } from "@sandglass/server";',
      /no arrow/,
    ],
    [
      "what only tests may use",
      "packages/runtime/src/a.ts",
      'import { A } from "./testing/a.ts";',
      /for tests/,
    ],
    [
      "the side door",
      "packages/runtime/src/a.ts",
      'import { A } from "../../telemetry/src/index.ts";',
      /leaves the package/,
    ],
    [
      "a look-alike folder",
      "packages/sdk/src/a.ts",
      'import { A } from "../../sdk-extras/a.ts";',
      /leaves the package/,
    ],
    ["an absolute path", "packages/sdk/src/a.ts", 'import "/etc/a.ts";', /absolute path/],
    [
      "past the exports",
      "packages/server/src/a.ts",
      'import "@sandglass/protocol/src/ids.ts";',
      /not exported by protocol/,
    ],
    [
      "a stranger in our name",
      "packages/server/src/a.ts",
      'import "@sandglass/nothing";',
      /no package of the house/,
    ],
    ["a package without a place", "packages/attic/src/a.ts", "export {};", /has no place in the house/],
    [
      "undeclared dependency",
      "packages/runtime/src/a.ts",
      'import fastify from "fastify";',
      /not declared in packages\/runtime/,
    ],
    [
      "node in protocol",
      "packages/protocol/src/a.ts",
      'import { readFileSync } from "node:fs";',
      /does no I\/O/,
    ],
    [
      "node in protocol, short name",
      "packages/protocol/src/schemas/a.ts",
      'import fs from "fs";',
      /does no I\/O/,
    ],
    ["zod outside schemas", "packages/protocol/src/a.ts", 'import * as z from "zod";', /only src\/schemas\//],
    ["zod's subpath", "packages/protocol/src/a.ts", 'import * as z from "zod/mini";', /only src\/schemas\//],
    [
      "zod through the back",
      "packages/protocol/src/index.ts",
      'export * from "./schemas/index.ts";',
      /import its types alone/,
    ],
    [
      "zod into the sdk",
      "packages/sdk/src/a.ts",
      'import { A } from "@sandglass/protocol/schemas";',
      /import its types alone/,
    ],
    ["exit", "packages/server/src/a.ts", "process.exit(1);", /ends the process/],
    [
      "exit by another name",
      "packages/cli/src/a.ts",
      'import { exit as leave } from "node:process";',
      /ends the process/,
    ],
  ];
  for (const [why, path, text, complaint] of bad) {
    test(`refuse: ${why}`, () => {
      const complaints = checkSource({ path, text }, house);
      assert.equal(complaints.length, 1, complaints.join("\n"));
      assert.match(complaints[0] ?? "", complaint);
    });
  }

  const good: Array<[why: string, path: string, text: string]> = [
    ["an arrow", "packages/telemetry/src/a.ts", 'import type { A } from "@sandglass/protocol";'],
    ["an exported subpath", "packages/server/src/a.ts", 'import { A } from "@sandglass/protocol/schemas";'],
    ["a neighbour in the package", "packages/runtime/src/drivers/a.ts", 'import { A } from "../types.ts";'],
    ["node outside protocol", "packages/runtime/src/a.ts", 'import { spawn } from "node:child_process";'],
    ["zod in schemas", "packages/protocol/src/schemas/a.ts", 'import * as z from "zod";'],
    ["the types of a schema", "packages/protocol/src/a.ts", 'import type { A } from "./schemas/a.ts";'],
    ["testkit in a test", "packages/runtime/src/a.test.ts", 'import { A } from "@sandglass/testkit";'],
    [
      "the runner in protocol's tests",
      "packages/protocol/src/a.test.ts",
      'import { test } from "node:test";',
    ],
    ["the composition root's exit", "packages/server/src/main.ts", "process.exit(1);"],
    [
      "talk about imports",
      "packages/runtime/src/a.ts",
      '// import "@sandglass/server"\nconst code = "process.exit(1)";',
    ],
  ];
  for (const [why, path, text] of good) {
    test(`allow: ${why}`, () => assert.deepEqual(checkSource({ path, text }, house), []));
  }

  test(`refuse: ${maxLines + 1} lines, allow: ${maxLines}`, () => {
    const path = "packages/sdk/src/a.ts";
    assert.equal(checkLength({ path, text: "x\n".repeat(maxLines + 1) }).length, 1);
    assert.deepEqual(checkLength({ path, text: "x\n".repeat(maxLines) }), []);
  });
});
