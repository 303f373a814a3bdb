import assert from "node:assert/strict";
import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ConfigError, changedOptions, describeConfig, type LoadOptions, loadConfig } from "../config.ts";
import { optionsFromFlags } from "./sources.ts";

const SECRET = "hunter2-0123456789abcdef";

/** Nothing of the machine the tests run on. */
const load = (from: LoadOptions = {}) => loadConfig({ env: {}, cwd: "/nonexistent", ...from });
const given = (observability: unknown) => load({ options: { observability } as never });

async function refused(from: Promise<unknown>, pattern: RegExp): Promise<void> {
  await assert.rejects(from, (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, pattern);
    assert.ok(!error.message.includes(SECRET), error.message);
    return true;
  });
}

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "sandglass-observability-"));
  context.after(() => rm(path, { recursive: true }));
  return path;
}

test("a single exporter and a list of them come to the same", async () => {
  const condition = () => true;
  const one = { provider: "jsonl", config: { filePath: "a" }, filter: { types: ["exec.*"], condition } };
  const single = (await given(one)).config.observability.exporters;
  const list = (await given({ exporters: [one] })).config.observability.exporters;
  assert.deepEqual(single, list);
  assert.deepEqual(single, [one]);
  assert.equal(single[0]?.filter?.condition, condition);
  assert.deepEqual((await load()).config.observability.exporters, []);
});

test("the environment gives it as JSON, the command line never", async () => {
  const exporters = [{ provider: "axiom", config: { token: { env: "AXIOM_TOKEN" } } }];
  const env = { SANDGLASS_OBSERVABILITY: JSON.stringify({ exporters }) };
  const loaded = await load({ env });
  assert.deepEqual(loaded.config.observability.exporters, exporters);
  assert.equal(loaded.origins.get("observability"), "from the environment, SANDGLASS_OBSERVABILITY");
  assert.throws(
    () => optionsFromFlags(["--observability", `{"provider":"axiom","config":{"token":"${SECRET}"}}`]),
    (error: Error) => /set SANDGLASS_OBSERVABILITY/.test(error.message) && !error.message.includes(SECRET),
  );
  await refused(
    load({ env: { SANDGLASS_OBSERVABILITY: `{"token": ${SECRET}}` } }),
    /^option observability \(from the environment, SANDGLASS_OBSERVABILITY\): it is not valid JSON/,
  );
});

test("a mistake is named by its place, where it was made, and the nearest name", async () => {
  const provider = "jsonl";
  await refused(
    given({ exporters: [{ provider }, { provider, filtr: {} }] }),
    /^invalid option observability\.exporters\[1\]\.filtr \(given to the constructor\): .*did you mean "filter"\?$/,
  );
  await refused(given({ provider, filtr: {} }), /^invalid option observability\.filtr \(/);
  await refused(given({ exporter: [] }), /^invalid option observability \(.*must be \{provider, config\}/);
  await refused(
    given({ exporters: [{ provider, filter: { minLevel: SECRET } }] }),
    /^invalid option observability\.exporters\[0\]\.filter\.minLevel \(/,
  );
  await refused(
    given({ exporters: [{ provider, filter: { types: ["exec.complete"] } }] }),
    /^invalid option observability\.exporters\[0\]\.filter\.types .*did you mean "exec\.completed"\?/,
  );
  await refused(
    given({ provider, filter: { condition: "data.exitCode" } }),
    /^invalid option observability\.filter\.condition .*must be a function/,
  );
  await refused(given([{ provider }]), /^invalid option observability /);
  await refused(given({ provider, exporters: [] }), /^invalid option observability\.provider /);
  await refused(given({ exporters: {} }), /^invalid option observability\.exporters /);
  await refused(given(SECRET), /^invalid option observability /);
});

test("a description names the exporters and nothing that they were given", async () => {
  const config = { token: SECRET };
  const loaded = await given({
    exporters: [
      { provider: "axiom", config },
      { provider: "otel", id: "traces" },
    ],
  });
  const described = describeConfig(loaded).find(({ option }) => option === "observability");
  assert.deepEqual(described, { option: "observability", value: "axiom, otel (traces)", source: "flag" });
  assert.ok(!JSON.stringify(describeConfig(loaded)).includes(SECRET));
});

test("a file that is no JSON is refused without being quoted", async (context) => {
  const cwd = await folder(context);
  await writeFile(join(cwd, "sandglass.config.json"), `{"observability": {"token": ${SECRET}`);
  await refused(load({ cwd }), /cannot read the configuration file .*: it is not valid JSON/);
});

test("a module that has changed is read anew", async (context) => {
  const cwd = await folder(context);
  const path = join(cwd, "sandglass.config.ts");
  const write = (provider: string) =>
    writeFile(path, `export default { observability: { provider: "${provider}" } };\n`);
  await write("console");
  const before = await load({ cwd });
  await write("otel");
  // Also on a file system that keeps time in seconds.
  await utimes(path, new Date(), new Date(Date.now() + 5000));
  const after = await load({ cwd });
  assert.equal(after.config.observability.exporters[0]?.provider, "otel");
  assert.deepEqual(changedOptions(before, after), ["observability"]);
});
