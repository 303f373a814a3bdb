import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createSecureContext } from "node:tls";
import { SandglassError } from "@sandglass/protocol";
import type { PrepareContext } from "../definition.ts";
import type { TlsOptions } from "../http/http-sender.ts";
import type { OtelEnv } from "./otel-env.ts";

/** Paths of PEM files. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Takes any certificate of the server. */
  readonly insecure?: boolean | undefined;
}

/**
 * Reads the certificates: of the option `tls`, or, what is not given there, of `OTEL_EXPORTER_OTLP_CERTIFICATE`,
 * `…_CLIENT_CERTIFICATE` and `…_CLIENT_KEY`. They are read once: new ones need a new configuration.
 *
 * @throws SandglassError INVALID_REQUEST naming the option of a file that cannot be read or holds none, of a certificate without its
 *   key, and of any file where a key without the scope `admin` asks for it
 */
export function resolveTls(given: TlsFiles = {}, env: OtelEnv, context: PrepareContext): TlsOptions {
  if (!context.isTrusted && Object.keys(given).length > 0) {
    throw invalid(
      "tls names files of this host, or trusts anybody",
      "only a key with the scope admin may set it",
    );
  }
  const read = (option: string, path: string | undefined, variable: string): string | undefined => {
    const [name, file] = path === undefined ? [variable, env.text(variable)] : [`tls.${option}`, path];
    return file === undefined ? undefined : readPem(name, resolve(context.cwd, file));
  };
  const tls: TlsOptions = {
    ca: read("ca", given.ca, "OTEL_EXPORTER_OTLP_CERTIFICATE"),
    cert: read("cert", given.cert, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
    key: read("key", given.key, "OTEL_EXPORTER_OTLP_CLIENT_KEY"),
    rejectUnauthorized: given.insecure !== true,
  };
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    const [has, lacks] = tls.cert === undefined ? ["key", "cert"] : ["cert", "key"];
    throw invalid(`tls has a ${has} and no ${lacks}`, `set tls.${lacks} to its PEM file`);
  }
  check(tls);
  return tls;
}

function readPem(option: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw invalid(`${option} names ${path}, which cannot be read: ${code}`, "it is a file in the PEM format");
  }
}

/** OpenSSL's own messages name nothing that a person has written. */
function check({ ca, cert, key }: TlsOptions): void {
  // A context takes authorities that are none without a word.
  usable("tls.ca", () => ca && new X509Certificate(ca));
  // It loads the system's authorities, which takes milliseconds: not where there is nothing to look at.
  if (cert === undefined || key === undefined) return;
  usable("tls.cert", () => createSecureContext({ cert }));
  usable("tls.key", () => createSecureContext({ key }));
  usable("tls.cert and tls.key", () => createSecureContext({ cert, key }));
}

function usable(option: string, use: () => unknown): void {
  try {
    use();
  } catch (error) {
    const hint = "it is a file in the PEM format; a key goes with its certificate and has no passphrase";
    throw new SandglassError("INVALID_REQUEST", `${option} cannot be used`, { hint, cause: error });
  }
}

function invalid(message: string, hint: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", message, { hint });
}
