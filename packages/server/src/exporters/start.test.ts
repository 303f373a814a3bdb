import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startDaemon } from "@sandglass/testkit";
import { ConfigError, type LoadedConfig, loadConfig } from "../config.ts";
import { Sandglass } from "../sandglass.ts";

const SECRET = `whsec_${Buffer.from("hunter2-hunter2-hunter2-hunter2-").toString("base64")}`;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sandglass-start-"));
});
after(() => rm(folder, { recursive: true }));

/** What a daemon says that refuses to start: one line, and the exit code 1. */
async function refusal(dataDir: string, observability: object): Promise<string> {
  const env = { SANDGLASS_OBSERVABILITY: JSON.stringify(observability) };
  const daemon = startDaemon({ dataDir, env, args: ["--pool", "python=0"] });
  // One that starts after all must not outlive the test.
  await daemon.then(
    (started) => started.stop(),
    () => undefined,
  );
  const error = await daemon.then(
    () => assert.fail("it started"),
    (reason: Error) => reason,
  );
  const [first = "", ...lines] = error.message.trim().split("\n");
  assert.match(first, /ended with 1 /);
  assert.equal(lines.length, 1, error.message);
  assert.ok(!error.message.includes(SECRET));
  return lines[0] ?? "";
}

/** The same without a process. */
async function refusalInProcess(observability: object): Promise<string> {
  const env = { SANDGLASS_OBSERVABILITY: JSON.stringify(observability) };
  const loaded = await loadConfig({ env, cwd: folder, options: { dataDir: join(folder, "data") } }).catch(
    (error: Error) => error,
  );
  if (loaded instanceof ConfigError) return loaded.message;
  const opened = await Sandglass.open(loaded as LoadedConfig).catch((error: Error) => error);
  if (opened instanceof ConfigError) return opened.message;
  await (opened as Sandglass).stop();
  assert.fail(`it started with ${env.SANDGLASS_OBSERVABILITY}`);
}

const FROM = String.raw`\(from the environment, SANDGLASS_OBSERVABILITY\)`;
const hook = (config: object) => ({ provider: "webhook", config: { secret: SECRET, ...config } });

test("a mistake in an exporter ends the start, naming the option, where it was given and what to change", async () => {
  const file = (name: string) => ({ provider: "jsonl", config: { filePath: join(folder, name) } });
  const mistakes: [observability: object, line: RegExp][] = [
    [{ provider: "jsnl" }, /option observability FROM: .*jsnl.*did you mean "jsonl"/],
    [
      { exporters: [file("a"), { ...file("b"), filtr: {} }] },
      /observability\.exporters\[1\]\.filtr FROM.*"filter"/,
    ],
    [
      { exporters: [file("a"), { ...file("a"), id: "b" }] },
      /observability\.exporters\[1\] FROM: .*a is the exporter/,
    ],
    [
      {
        exporters: [
          { ...file("a"), id: "x" },
          { ...file("b"), id: "x" },
        ],
      },
      /observability\.exporters\[1\] FROM: .*\bx\b/,
    ],
    [{ exporters: [hook({ url: 7 })] }, /observability\.exporters\[0\]\.config\.url FROM/],
    [
      { exporters: [file("a"), { provider: "jsonl", config: { filePath: "b", gzp: true } }] },
      /option observability\.exporters\[1\]\.config\.gzp FROM: unknown field "gzp"; did you mean "gzip"/,
    ],
    [{ provider: "jsonl" }, /option observability\.config\.filePath FROM: is missing/],
    [hook({ url: "nonsense" }), /option observability FROM: .*url/],
    [
      hook({ url: "https://example.com", secret: { env: "NOT_THERE" } }),
      /option observability FROM: .*NOT_THERE/,
    ],
    [
      { exporters: [{ ...hook({ url: "http://127.0.0.1:9/" }), required: true }] },
      /option observability.* FROM: http:\/\/127\.0\.0\.1:9.* is required and cannot be reached/,
    ],
  ];
  for (const [observability, line] of mistakes) {
    const pattern = new RegExp(line.source.replace("FROM", FROM));
    const message = await refusalInProcess(observability);
    assert.match(message, pattern);
    assert.ok(!message.includes(SECRET));
  }
});

test("the daemon says so in one line and ends with 1", async () => {
  const line = await refusal(join(folder, "daemon"), { exporters: [{ provider: "jsnl" }] });
  assert.match(
    line,
    new RegExp(`^sandglass: invalid option observability\\.exporters\\[0\\] ${FROM}: .*jsnl`),
  );
});

test("exporters of the API that cannot be read end the start instead of being forgotten", async () => {
  const dataDir = join(folder, "damaged");
  const first = await startDaemon({ dataDir, args: ["--pool", "python=0"] });
  await first.stop();
  await writeFile(join(dataDir, "exporters.json"), `{"format": 1, "exporters": [{"secret": "${SECRET}"`);
  assert.match(await refusal(dataDir, { exporters: [] }), /exporters\.json is damaged .*move it away/);
});
