import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Makes `<name>.pem` and `<name>.key`: a certificate of its own authority, for this machine. */
export async function makeCertificate(directory: string, name: string): Promise<void> {
  const at = (file: string): string => join(directory, file);
  await run("openssl", [
    ...["req", "-x509", ...KEY, "-keyout", at(`${name}.key`), "-out", at(`${name}.pem`), "-days", "90"],
    ...["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
  ]);
}

/** The same, of one that was over long ago: only an authority with its books in order gives those. */
export async function makeExpiredCertificate(directory: string, name: string): Promise<void> {
  const at = (file: string): string => join(directory, file);
  const books = `[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index\nserial=serial\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n`;
  await Promise.all([
    writeFile(at("ca"), books),
    writeFile(at("index"), ""),
    writeFile(at("serial"), "01\n"),
  ]);
  const [key, csr] = [at(`${name}.key`), at(`${name}.csr`)];
  await run("openssl", ["req", "-new", ...KEY, "-keyout", key, "-out", csr, "-subj", `/CN=${name}`]);
  await run(
    "openssl",
    [
      ...["ca", "-batch", "-selfsign", "-config", "ca", "-keyfile", key, "-in", csr, "-notext"],
      ...["-out", at(`${name}.pem`), "-startdate", "20200101000000Z", "-enddate", "20210101000000Z"],
    ],
    { cwd: directory },
  );
}
