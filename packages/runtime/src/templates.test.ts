import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { baseEnvironment, Templates } from "./templates.ts";

describe("templates", () => {
  const dir = mkdtempSync(join(tmpdir(), "sg-tpl-"));
  chmodSync(dir, 0o755);
  mkdirSync(join(dir, "open"));
  writeFileSync(join(dir, "open/file.txt"), "x");
  mkdirSync(join(dir, "closed/inside"), { recursive: true });
  chmodSync(join(dir, "closed"), 0o700);
  symlinkSync(join(dir, "closed/inside"), join(dir, "open/link"));
  after(() => rmSync(dir, { recursive: true }));

  test("the built-in ones are there, each with its own language", () => {
    const languages = new Templates().all().map(({ name, defaultLanguage }) => [name, defaultLanguage]);
    assert.deepEqual(languages, [
      ["python", "python"],
      ["node", "javascript"],
      ["bash", "bash"],
    ]);
  });

  test("a built-in one is changed by its name, keeping what is not mentioned", () => {
    const python = new Templates({ python: { poolSize: 7, memoryMb: 99 } }).get("python");
    assert.deepEqual([python.poolSize, python.memoryMb, python.warm], [7, 99, ["python"]]);
  });

  test("one's own starts from its base, cold and unpooled unless it says otherwise", () => {
    const templates = new Templates({
      plain: { base: "node" },
      warmed: { base: "node", warmup: "1", poolSize: 3 },
      chosen: { warmup: "1", warm: ["bash"] },
    });
    const summary = (name: string) => {
      const { defaultLanguage, warm, poolSize } = templates.get(name);
      return [defaultLanguage, warm, poolSize];
    };
    assert.deepEqual(summary("plain"), ["javascript", [], 0]);
    assert.deepEqual(summary("warmed"), ["javascript", ["javascript"], 3]);
    assert.deepEqual(summary("chosen"), ["python", ["bash"], 0]);
  });

  test("an unknown one is refused with the nearest name and all there are", () => {
    assert.throws(() => new Templates({ analyst: {} }).get("analist"), {
      code: "TEMPLATE_NOT_FOUND",
      hint: 'did you mean "analyst"? known: python, node, bash, analyst',
    });
  });

  const refused: [why: string, mount: { source: string; target: string }, message: RegExp][] = [
    [
      "a source that is not there",
      { source: join(dir, "nothing"), target: "/data" },
      /nothing is not on this host/,
    ],
    [
      "a source that sandboxes cannot reach",
      { source: join(dir, "closed/inside"), target: "/data" },
      /closed, which only its owner may enter/,
    ],
    [
      "such a one behind a link",
      { source: join(dir, "open/link"), target: "/data" },
      /closed, which only its owner may enter/,
    ],
    ...[
      "data",
      "/",
      "/data/",
      "/a/../b",
      "/..",
      "/proc",
      "/proc/x",
      "/sys",
      "/dev/shm",
      "/run/sandglass",
      "/a\0b",
    ].map((target): [string, { source: string; target: string }, RegExp] => [
      `the target ${JSON.stringify(target)}`,
      { source: join(dir, "open"), target },
      /must be an absolute path outside/,
    ]),
  ];
  for (const [why, mount, message] of refused) {
    test(`${why} is refused, naming the option`, () => {
      assert.throws(
        () => new Templates({ mine: { mounts: [mount] } }),
        (error: Error & { code?: string }) =>
          error.code === "INVALID_REQUEST" &&
          message.test(error.message) &&
          error.message.includes("templates.mine.mounts"),
      );
    });
  }

  test("a directory is mounted on a directory, a file on a file in one", () => {
    const mounts = [
      { source: join(dir, "open"), target: "/srv/data" },
      { source: join(dir, "open/file.txt"), target: "/srv/single/file.txt" },
    ];
    assert.deepEqual(new Templates({ mine: { mounts } }).mountPoints(), ["/srv/data", "/srv/single"]);
  });

  test("a process's environment is the template's over what every process has", () => {
    const template = new Templates({ mine: { env: { LANG: "de_DE.UTF-8", MODEL: "m" } } }).get("mine");
    const { PATH, ...rest } = baseEnvironment(template);
    assert.match(PATH ?? "", /\/usr\/bin/);
    assert.deepEqual(rest, {
      HOME: "/root",
      USER: "root",
      LANG: "de_DE.UTF-8",
      TERM: "dumb",
      PYTHONUNBUFFERED: "1",
      MODEL: "m",
    });
  });
});
