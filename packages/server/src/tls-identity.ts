import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError, type SandglassConfig } from "./config.ts";

/** What is about to be over is said in time to renew it. */
const SOON_MS = 14 * 86_400_000;
/** Readable or writable by others than the owner and its group. */
const OTHERS = 0o006;

/** With what the daemon proves who it is. */
export interface TlsIdentity {
  cert: Buffer;
  key: Buffer;
  /** What is fine now and ought to be changed. */
  warnings: string[];
}

/**
 * Reads and checks a certificate and its key.
 *
 * @param cwd relative paths are below it
 * @returns undefined where the daemon is to speak plain HTTP
 * @throws ConfigError where one is missing, cannot be read, is none, is over or not yet valid, or they do not belong together
 */
export async function readTlsIdentity(
  { cert, key }: SandglassConfig["tls"],
  cwd: string,
): Promise<TlsIdentity | undefined> {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    const [given, missing] = cert === undefined ? ["tls.key", "tls.cert"] : ["tls.cert", "tls.key"];
    throw new ConfigError(`option ${given} needs ${missing} beside it`);
  }
  const certPath = resolve(cwd, cert);
  const keyPath = resolve(cwd, key);
  const chain = await read(certPath, "tls.cert");
  const secret = await read(keyPath, "tls.key");
  const leaf = parseCertificate(chain, certPath);
  if (!leaf.checkPrivateKey(parseKey(secret, keyPath))) {
    throw new ConfigError(`the key ${keyPath} (option tls.key) is not that of the certificate ${certPath}`);
  }
  const warnings = checkTime(leaf, certPath);
  const { mode } = await stat(keyPath);
  if ((mode & OTHERS) !== 0) {
    warnings.push(`every user of this machine can read the key ${keyPath}; run: chmod o-rw ${keyPath}`);
  }
  return { cert: chain, key: secret, warnings };
}

async function read(path: string, option: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = { ENOENT: "there is no such file", EACCES: "no permission", EISDIR: "it is a directory" };
    throw new ConfigError(
      `cannot read ${path} (option ${option}): ${reason[code as keyof typeof reason] ?? message}`,
    );
  }
}

function parseCertificate(chain: Buffer, path: string): X509Certificate {
  try {
    return new X509Certificate(chain);
  } catch {
    // OpenSSL's words for it help nobody.
    throw new ConfigError(`${path} (option tls.cert) holds no certificate in PEM form`);
  }
}

function parseKey(secret: Buffer, path: string): KeyObject {
  if (secret.includes("ENCRYPTED")) {
    throw new ConfigError(`the key ${path} (option tls.key) is encrypted; give it without a passphrase`);
  }
  try {
    return createPrivateKey(secret);
  } catch {
    // Nothing of a key is repeated.
    throw new ConfigError(`${path} (option tls.key) holds no private key in PEM form`);
  }
}

/** @returns the warning that it is over soon */
function checkTime(leaf: X509Certificate, path: string): string[] {
  const now = Date.now();
  if (leaf.validToDate.getTime() <= now) {
    throw new ConfigError(`the certificate ${path} expired on ${leaf.validTo}; renew it`);
  }
  if (leaf.validFromDate.getTime() > now) {
    throw new ConfigError(`the certificate ${path} is not valid before ${leaf.validFrom}`);
  }
  if (leaf.validToDate.getTime() - now > SOON_MS) return [];
  return [`the certificate ${path} expires on ${leaf.validTo}; renew it and send SIGHUP`];
}
