import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { optionsFromFlags } from "./config/sources.ts";
import { ConfigError, describeConfig, type LoadOptions, loadConfig } from "./config.ts";

const KEY = "0123456789abcdef0123456789abcdef";

/** Nothing of the machine the tests run on. */
async function load(from: LoadOptions = {}) {
  return loadConfig({ env: {}, cwd: "/nonexistent", ...from });
}

async function withFile(name: string, content: string, run: (cwd: string) => Promise<void>): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), "sandglass-config-"));
  await writeFile(join(cwd, name), content);
  await run(cwd).finally(() => rm(cwd, { recursive: true }));
}

function messageOf(pattern: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, pattern);
    return true;
  };
}

test("without any source every option has its documented default", async () => {
  const { config, sources } = await load();
  assert.equal(config.host, "127.0.0.1");
  assert.equal(config.port, 7070);
  assert.equal(config.durability, "process");
  assert.equal(config.retention.maxBytes, 2 * 1024 ** 3);
  assert.equal(config.shutdownTimeoutMs, 10_000);
  assert.equal(sources.size, 0);
});

test("a flag beats the environment, which beats the file, which beats the default", async () => {
  await withFile(
    "sandglass.config.json",
    '{"port": 1, "host": "::1", "log": "warn", "retention": {"maxAgeMs": 5}}',
    async (cwd) => {
      const { given } = optionsFromFlags(["--port", "3"]);
      const loaded = await load({ cwd, env: { SANDGLASS_PORT: "2", SANDGLASS_LOG: "debug" }, flags: given });
      assert.equal(loaded.config.port, 3);
      assert.equal(loaded.config.log, "debug");
      assert.equal(loaded.config.host, "::1");
      assert.equal(loaded.config.retention.maxAgeMs, 5);
      const bySource = (source: string) =>
        describeConfig(loaded)
          .filter((entry) => entry.source === source)
          .map((entry) => entry.option);
      assert.deepEqual(bySource("flag"), ["port"]);
      assert.deepEqual(bySource("environment"), ["log"]);
      assert.deepEqual(bySource("file"), ["host", "retention.maxAgeMs"]);
    },
  );
});

test("a TypeScript configuration file is read through its default export", async () => {
  await withFile(
    "sandglass.config.ts",
    "const port: number = 7171;\nexport default { port };\n",
    async (cwd) => {
      assert.equal((await load({ cwd })).config.port, 7171);
    },
  );
});

test("a bad value is refused naming the option, its source and the value", async () => {
  await assert.rejects(
    load({ env: { SANDGLASS_PORT: "http" } }),
    messageOf(/option port \(from the environment, SANDGLASS_PORT\).*got "http"/),
  );
  await assert.rejects(
    load({ flags: optionsFromFlags(["--durability=fast"]).given }),
    messageOf(/durability \(from the flag --durability\)/),
  );
  await assert.rejects(
    load({ options: { defaults: { memoryMb: -1 } } }),
    messageOf(/defaults\.memoryMb \(given to the constructor\)/),
  );
  await assert.rejects(
    load({ flags: optionsFromFlags(["--defaults-memory-mb=1"]).given }),
    messageOf(/defaults\.memoryMb \(from the flag --defaults-memory-mb\).*16/),
  );
  await assert.rejects(
    load({ flags: optionsFromFlags(["--pool", "pyhton=4"]).given }),
    messageOf(/pool \(from the flag --pool\): there is no template "pyhton"; did you mean python\?/),
  );
  await load({ options: { pool: { own: 1 }, templates: { own: { base: "bash" } } } });
});

test("an unknown name is refused with the nearest known one, wherever it came from", async () => {
  await assert.rejects(
    load({ options: { datadir: "/x" } as never }),
    messageOf(/datadir \(given to the constructor\); did you mean dataDir/),
  );
  await assert.rejects(
    load({ env: { SANDGLASS_DATADIR: "/x" } }),
    messageOf(/did you mean SANDGLASS_DATA_DIR/),
  );
  assert.throws(
    () => optionsFromFlags(["--prot", "1"]),
    messageOf(/unknown option --prot .*did you mean --port/),
  );
  await withFile("sandglass.config.json", '{"retention": {"maxbytes": 1}}', async (cwd) => {
    await assert.rejects(
      load({ cwd }),
      messageOf(/retention\.maxbytes .*sandglass\.config\.json.*retention\.maxBytes/),
    );
  });
});

test("variables of other programs under the same prefix are left alone", async () => {
  await load({ env: { SANDGLASS_URL: "http://x", SANDGLASS_API_KEY: "k", SANDGLASS_DEMO_SPEED: "2" } });
});

test("API keys take a name and an organisation, and never show in a description or a message", async () => {
  const loaded = await load({ env: { SANDGLASS_API_KEYS: `${KEY}, ci:${KEY}1@acme`, TEAM: `${KEY}2@team` } });
  assert.deepEqual(loaded.config.apiKeys, [
    { name: "configured-1", secret: KEY, orgId: "default" },
    { name: "ci", secret: `${KEY}1`, orgId: "acme" },
  ]);
  assert.equal(describeConfig(loaded).find((entry) => entry.option === "apiKeys")?.value, "[set]");
  await assert.rejects(
    load({ env: { SANDGLASS_API_KEYS: "hunter2" } }),
    (error: Error) => !error.message.includes("hunter2"),
  );
  assert.throws(
    () => optionsFromFlags(["--api-keys", KEY]),
    (error: Error) => !error.message.includes(KEY) && /SANDGLASS_API_KEYS/.test(error.message),
  );
});

test("a secret may be given by the name of the variable that holds it", async () => {
  const { config } = await load({
    options: { apiKeys: [{ env: "TEAM" }] },
    env: { TEAM: `team:${KEY}@team` },
  });
  assert.deepEqual(config.apiKeys, [{ name: "team", secret: KEY, orgId: "team" }]);
  await assert.rejects(
    load({ options: { apiKeys: [{ env: "GONE" }] } }),
    messageOf(/GONE, which is not in the environment/),
  );
});

test("pool sizes are written name=number, several times or with commas", async () => {
  const { given } = optionsFromFlags(["--pool", "python=4", "--pool=node=0,bash=2", "--no-recording"]);
  const { config } = await load({ flags: given });
  assert.deepEqual(config.pool, { python: 4, node: 0, bash: 2 });
  assert.equal(config.recording, false);
});

test("how often sandboxes are sampled is 0 or not too often, and what they cost has rates", async () => {
  const { config } = await load();
  assert.equal(config.metricsIntervalMs, 10_000);
  assert.deepEqual(config.costRates, { cpuHourUsd: 0, memoryGbHourUsd: 0 });
  const env = { SANDGLASS_METRICS_INTERVAL_MS: "0", SANDGLASS_COST_RATES_CPU_HOUR_USD: "0.05" };
  const given = await load({ env });
  assert.equal(given.config.metricsIntervalMs, 0);
  assert.equal(given.config.costRates.cpuHourUsd, 0.05);
  await assert.rejects(
    load({ env: { SANDGLASS_METRICS_INTERVAL_MS: "5" } }),
    messageOf(/metricsIntervalMs .*must be 0 or at least 100/),
  );
});
