import { readFileSync } from "node:fs";
import { getCACertificates, rootCertificates } from "node:tls";
import { SandglassError } from "../errors.ts";

/** An authority beside those that Node trusts. */
export interface TrustOptions {
  /**
   * Certificates of authorities to trust beside those of the system, in PEM form: for a daemon whose certificate is of an authority of your
   * own.
   */
  ca?: string | undefined;
  /** A file that holds them. Default: `SANDGLASS_CA_FILE`, unless `ca` is given. */
  caFile?: string | undefined;
}

/**
 * What a TLS connection to the daemon trusts; undefined where that is what Node does.
 *
 * @throws SandglassError INVALID_REQUEST where the file cannot be read, or what is given holds no certificate
 */
export function trustedAuthorities(
  { ca, caFile }: TrustOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string[] | undefined {
  const path = caFile ?? (ca === undefined ? env.SANDGLASS_CA_FILE || undefined : undefined);
  const given = [ca, path === undefined ? undefined : read(path)].filter((text) => text !== undefined);
  if (given.length === 0) return undefined;
  for (const text of given) {
    if (text.includes("-----BEGIN CERTIFICATE-----")) continue;
    throw new SandglassError("INVALID_REQUEST", `${path ?? "ca"} holds no certificate in PEM form`, {
      hint: "give the certificate of the authority that signed the daemon's, not a key",
    });
  }
  return [...systemAuthorities(), ...given];
}

/** Those that a connection has without being told, NODE_EXTRA_CA_CERTS included where this Node can say which these are. */
function systemAuthorities(): readonly string[] {
  return typeof getCACertificates === "function" ? getCACertificates("default") : rootCertificates;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new SandglassError("INVALID_REQUEST", `${path} cannot be read: ${(cause as Error).message}`, {
      hint: "set caFile or SANDGLASS_CA_FILE to the certificate of the daemon's authority, in PEM form",
      cause,
    });
  }
}
