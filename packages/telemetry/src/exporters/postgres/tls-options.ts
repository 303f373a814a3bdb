import { accessSync, constants } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { SandglassError } from "@sandglass/protocol";
import { z } from "zod";

const file = z.string().min(1);

/** True: TLS, and the server's certificate is checked. */
export const tlsSchema = z.union(
  [
    z.boolean(),
    z.strictObject({
      /** False takes any certificate. Default true. */
      rejectUnauthorized: z.boolean().optional(),
      /** Of those who may have signed the server's certificate. Default: those that Node trusts. */
      ca: file.optional(),
      /** Our own, with its key. */
      cert: file.optional(),
      key: file.optional(),
    }),
  ],
  {
    error:
      "must be true, false, or {rejectUnauthorized, ca, cert, key} where the last three are paths of files",
  },
);
export type TlsOption = z.output<typeof tlsSchema>;

const FILES = ["ca", "cert", "key"] as const;

/** Paths made absolute. Throws INVALID_REQUEST naming a file that cannot be read. */
export function checkTls(given: TlsOption, cwd: string): TlsOption {
  if (typeof given === "boolean") return given;
  const checked = { ...given };
  for (const name of FILES) {
    const path = given[name];
    if (path === undefined) continue;
    checked[name] = resolve(cwd, path);
    try {
      accessSync(checked[name], constants.R_OK);
    } catch (error) {
      throw new SandglassError("INVALID_REQUEST", `ssl.${name} cannot be read: ${(error as Error).message}`);
    }
  }
  return checked;
}

/** Read anew for each connection: certificates are renewed under way. */
export async function readTls(given: TlsOption): Promise<boolean | ConnectionOptions> {
  if (typeof given === "boolean") return given;
  const options: ConnectionOptions = { rejectUnauthorized: given.rejectUnauthorized ?? true };
  for (const name of FILES) {
    const path = given[name];
    if (path !== undefined) options[name] = await readFile(path);
  }
  return options;
}
