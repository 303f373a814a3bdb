import { execFileSync } from "node:child_process";

/** PEM texts. */
export interface Certificate {
  cert: string;
  key: string;
}

/**
 * A certificate for `localhost` and 127.0.0.1 (or another host) that no authority knows, made by the `openssl` command. Its own
 * authority: who trusts `cert` as a CA trusts it.
 *
 * @throws Error where there is no `openssl`
 */
export function selfSignedCertificate(host = "localhost"): Certificate {
  const names =
    host === "localhost" ? "subjectAltName=DNS:localhost,IP:127.0.0.1" : `subjectAltName=DNS:${host}`;
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const subject = ["-subj", `/CN=${host}`, "-addext", names];
  const pem = execFileSync(
    "openssl",
    ["req", "-x509", ...curve, "-nodes", "-days", "2", ...subject, "-keyout", "-", "-out", "-"],
    { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
  );
  return { key: block(pem, "PRIVATE KEY"), cert: block(pem, "CERTIFICATE") };
}

function block(pem: string, label: string): string {
  const found = pem.match(new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----\n`));
  if (!found) throw new Error(`openssl wrote no ${label}`);
  return found[0];
}
