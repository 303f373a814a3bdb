import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { credentialsPath, resolveApiKey, resolveBaseUrl } from "./credentials.ts";

async function credentialsFile(context: TestContext, content: string, mode = 0o600): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sandglass-credentials-"));
  context.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "credentials.json");
  await writeFile(path, content, { mode });
  return path;
}

async function warningOf(action: () => void): Promise<Error | undefined> {
  let warning: Error | undefined;
  const listener = (given: Error): void => {
    warning = given;
  };
  process.on("warning", listener);
  action();
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", listener);
  return warning;
}

test("the base URL is the option, else SANDGLASS_URL, else the local default, without a trailing slash", () => {
  assert.equal(resolveBaseUrl("http://a:1/", { SANDGLASS_URL: "http://b" }), "http://a:1");
  assert.equal(resolveBaseUrl(undefined, { SANDGLASS_URL: "https://b/sandglass/" }), "https://b/sandglass");
  assert.equal(resolveBaseUrl(undefined, {}), "http://127.0.0.1:7070");
});

test("a base URL that is none, or that carries a password, is refused without repeating the password", () => {
  assert.throws(() => resolveBaseUrl("localhost:7070"), { code: "INVALID_REQUEST" });
  assert.throws(
    () => resolveBaseUrl("http://me:secret@host"),
    (error: Error) => !error.message.includes("secret"),
  );
});

test("the credentials file is found by SANDGLASS_CREDENTIALS, then XDG_CONFIG_HOME, then HOME", () => {
  assert.equal(credentialsPath({ SANDGLASS_CREDENTIALS: "/x.json", XDG_CONFIG_HOME: "/c" }), "/x.json");
  assert.equal(credentialsPath({ XDG_CONFIG_HOME: "/c", HOME: "/h" }), "/c/sandglass/credentials.json");
  assert.equal(credentialsPath({ HOME: "/h" }), "/h/.config/sandglass/credentials.json");
});

test("the key is the option, else SANDGLASS_API_KEY, else the file's entry for this daemon", async (context) => {
  const path = await credentialsFile(
    context,
    JSON.stringify({ "http://127.0.0.1:7070": { apiKey: "from-file" } }),
  );
  const env = { SANDGLASS_CREDENTIALS: path };
  assert.equal(
    resolveApiKey("http://127.0.0.1:7070", "given", { ...env, SANDGLASS_API_KEY: "env" }),
    "given",
  );
  assert.equal(
    resolveApiKey("http://127.0.0.1:7070", undefined, { ...env, SANDGLASS_API_KEY: "env" }),
    "env",
  );
  assert.equal(resolveApiKey("http://127.0.0.1:7070", undefined, env), "from-file");
  assert.equal(resolveApiKey("http://localhost:7070", undefined, env), "from-file");
  assert.equal(resolveApiKey("http://127.0.0.1:7071", undefined, env), undefined);
  assert.equal(resolveApiKey("https://example.org:7070", undefined, env), undefined);
});

test("a file that others can read is refused with a warning that says how to repair it", async (context) => {
  const path = await credentialsFile(context, '{"http://127.0.0.1:7070":{"apiKey":"k"}}', 0o644);
  let key: string | undefined = "unset";
  const warning = await warningOf(() => {
    key = resolveApiKey("http://127.0.0.1:7070", undefined, { SANDGLASS_CREDENTIALS: path });
  });
  assert.equal(key, undefined);
  assert.match(warning?.message ?? "", /chmod 600/);
});

test("a file that is no JSON object is ignored with a warning that shows nothing of it", async (context) => {
  const path = await credentialsFile(context, "sgk_secret");
  const warning = await warningOf(() => {
    assert.equal(
      resolveApiKey("http://127.0.0.1:7070", undefined, { SANDGLASS_CREDENTIALS: path }),
      undefined,
    );
  });
  assert.ok(warning !== undefined && !warning.message.includes("sgk_secret"));
});

test("without a file there is no key and no warning", async () => {
  const warning = await warningOf(() => {
    assert.equal(
      resolveApiKey("http://127.0.0.1:7070", undefined, { SANDGLASS_CREDENTIALS: "/does/not/exist" }),
      undefined,
    );
  });
  assert.equal(warning, undefined);
});

test("what cannot be a key is refused by the name it was given under, and not repeated", () => {
  const url = "http://127.0.0.1:7070";
  assert.throws(() => resolveApiKey(url, undefined, { SANDGLASS_API_KEY: "sgk_a\n" }), {
    code: "INVALID_REQUEST",
    message: "SANDGLASS_API_KEY holds a line break, a space or another character that no key has",
  });
  assert.throws(() => resolveApiKey(url, "sgk a"), /^SandglassError: apiKey holds/);
});
