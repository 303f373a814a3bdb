import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { runTraced } from "./run-traced.ts";
import { SpanSink } from "./span-sink.ts";

describe("the arguments of a process", () => {
  let sink: SpanSink;
  before(async () => {
    sink = await SpanSink.start();
  });
  after(async () => {
    await sink[Symbol.asyncDispose]();
  });

  async function shown(...args: string[]): Promise<{ args: string[]; isCut: unknown }> {
    const { spans } = await runTraced(sink, ["true", ...args]);
    const attributes = spans[0]?.attributes ?? {};
    return {
      args: (attributes["process.command_args"] as string[]).slice(1),
      isCut: attributes["sandglass.process.args_truncated"],
    };
  }

  test("are shown without what looks like a secret", async () => {
    const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    const cases: [given: string[], expected: string[]][] = [
      [
        ["--password", "hunter2", "--user-name", "bob"],
        ["--password", "[REDACTED]", "--user-name", "bob"],
      ],
      [
        ["--password=hunter2", "-token=x"],
        ["--password=[REDACTED]", "-token=[REDACTED]"],
      ],
      [
        ["--db-password=a b", "PASSWORD=a b&c"],
        ["--db-password=[REDACTED]", "PASSWORD=[REDACTED]"],
      ],
      [
        ["-c", "PASSWORD=a b --x"],
        ["-c", "PASSWORD=[REDACTED] b --x"],
      ],
      [
        ["AWS_SECRET_ACCESS_KEY=abc", "MYSQL_PWD=x", "PWD=/tmp"],
        ["AWS_SECRET_ACCESS_KEY=[REDACTED]", "MYSQL_PWD=[REDACTED]", "PWD=/tmp"],
      ],
      [
        ["-H", "Authorization: Bearer abc.def"],
        ["-H", "Authorization: [REDACTED]"],
      ],
      [
        ["-HX-Api-Key: abc", "--header=Cookie: a=b; c=d"],
        ["-HX-Api-Key: [REDACTED]", "--header=Cookie: [REDACTED]"],
      ],
      [
        ["-u", "bob:hunter2", "--user=bob:x"],
        ["-u", "bob:[REDACTED]", "--user=bob:[REDACTED]"],
      ],
      [
        ["https://bob:hunter2@example.com/a@b", "git+ssh://ghp_abcdefghijklmnop@example.com"],
        ["https://bob:[REDACTED]@example.com/a@b", "git+ssh://[REDACTED]@example.com"],
      ],
      [
        ["https://example.com/?api_key=abc&page=2#token=d"],
        ["https://example.com/?api_key=[REDACTED]&page=2#token=[REDACTED]"],
      ],
      [
        ['{"password": "a b", "user": "bob"}', "secret_key = 'x y'"],
        ['{"password": "[REDACTED]", "user": "bob"}', "secret_key = [REDACTED]"],
      ],
      [
        ["curl -H 'Authorization: Basic Ym9i' -u a:b --api-key abc http://x"],
        ["curl -H 'Authorization: [REDACTED]' -u a:[REDACTED] --api-key [REDACTED] http://x"],
      ],
      [
        ["sk-proj-abcdefghijklmnopqrstuv", `jwt ${jwt}!`, "AKIAIOSFODNN7EXAMPLE"],
        ["[REDACTED]", "jwt [REDACTED]!", "[REDACTED]"],
      ],
      [
        ["Bearer abcdef", "basic usage"],
        ["Bearer [REDACTED]", "basic usage"],
      ],
    ];
    for (const [given, expected] of cases) assert.deepEqual((await shown(...given)).args, expected);
  });

  test("are left as they are where nothing does", async () => {
    const plain = [
      "--max-tokens=100",
      "--tokenizer",
      "bpe",
      "a=b",
      "-u",
      "root",
      "12:30:00",
      "key",
      "--password-stdin",
      "-x",
      "sk-",
      "http://a/b@c",
      "--author=x",
      "bypass=1",
    ];
    assert.deepEqual(await shown(...plain.filter((arg) => arg !== "--password-stdin")), {
      args: plain.filter((arg) => arg !== "--password-stdin"),
      isCut: undefined,
    });
    assert.deepEqual((await shown("--password-stdin", "-x")).args, ["--password-stdin", "-x"]);
  });

  test("are at most 32 of 256 bytes, valid UTF-8, and it is said where something was cut", async () => {
    const many = await shown(...Array.from({ length: 50 }, (_, index) => `a${index}`));
    assert.deepEqual([many.args.length, many.args.at(-1), many.isCut], [31, "a30", true]);
    const long = await shown("é".repeat(200), "x".repeat(256), "y".repeat(257));
    assert.deepEqual(long, {
      args: [`${"é".repeat(128)}…`, "x".repeat(256), `${"y".repeat(256)}…`],
      isCut: true,
    });
    const odd = await runTraced(sink, ["bash", "-c", "exec true $'a\\xff\\xc3' $'\\xf0\\x9f\\x92\\xa9'"]);
    assert.deepEqual(odd.spans[0]?.attributes["process.command_args"], ["true", "a\ufffd\ufffd", "💩"]);
    assert.equal((await shown(`--password=${"s".repeat(5000)}`)).args[0], "--password=[REDACTED]");
    assert.doesNotMatch((await shown(`${"x".repeat(250)} token=abc`)).args.join(), /abc/);
  });
});
