import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { makeCertificate, makeExpiredCertificate } from "@sandglass/testkit";
import { ConfigError } from "./config.ts";
import { readTlsIdentity } from "./tls-identity.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "sandglass-tls-"));
  await Promise.all([
    makeCertificate(directory, "first"),
    makeCertificate(directory, "second"),
    makeExpiredCertificate(directory, "old"),
  ]);
});
after(() => rm(directory, { recursive: true }));

test("without a certificate there is none, and one alone is half of one", async () => {
  assert.equal(await readTlsIdentity({}, directory), undefined);
  await assert.rejects(readTlsIdentity({ cert: "first.pem" }, directory), /tls\.cert needs tls\.key/);
  await assert.rejects(readTlsIdentity({ key: "first.key" }, directory), /tls\.key needs tls\.cert/);
});

test("what is wrong with a certificate or a key is said in one line, and nothing of the key", async () => {
  const [from, to] = [join(directory, "first.key"), join(directory, "locked.key")];
  await promisify(execFile)("openssl", ["pkey", "-in", from, "-aes256", "-passout", "pass:x", "-out", to]);
  const cases: [cert: string, key: string, message: RegExp][] = [
    ["first.pem", "second.key", /second\.key .*is not that of the certificate/],
    ["old.pem", "old.key", /old\.pem expired on .* renew it/],
    ["missing.pem", "first.key", /missing\.pem \(option tls\.cert\): there is no such file/],
    [".", "first.key", /it is a directory/],
    ["first.key", "first.key", /holds no certificate in PEM form/],
    ["first.pem", "first.pem", /holds no private key in PEM form/],
    ["first.pem", "locked.key", /is encrypted; give it without a passphrase/],
  ];
  const secret = (await readFile(from, "utf8")).split("\n")[1] ?? "";
  for (const [cert, key, message] of cases) {
    await assert.rejects(readTlsIdentity({ cert, key }, directory), (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, message);
      assert.ok(!error.message.includes(secret) && !error.message.includes("\n"));
      return true;
    });
  }
});

test("a key that everybody can read is taken, and warned of", async () => {
  const pair = { cert: "first.pem", key: "first.key" };
  await chmod(join(directory, "first.key"), 0o600);
  assert.deepEqual((await readTlsIdentity(pair, directory))?.warnings, []);
  await chmod(join(directory, "first.key"), 0o644);
  const warnings = (await readTlsIdentity(pair, directory))?.warnings ?? [];
  assert.match(warnings.join(), /every user of this machine can read the key/);
});
