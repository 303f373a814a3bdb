import { SandglassError } from "@sandglass/protocol";
import { ConfigError } from "./config.ts";
import { whyNotOurs } from "./listen-address.ts";

interface ListenError extends NodeJS.ErrnoException {
  address?: string;
  /** Of a name that could not be resolved. */
  hostname?: string;
  port?: number;
}

/** One clear line for whoever runs the daemon: what went wrong, and what to change. */
export function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof SandglassError)
    return error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  // Something went wrong, and then giving back what was acquired did: what came first says why.
  if (error instanceof SuppressedError) return `${explain(error.suppressed)}; then ${explain(error.error)}`;
  if (!(error instanceof Error)) return String(error);
  const { code, address, hostname, port, path } = error as ListenError;
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} of ${address} is taken; stop what listens there or choose another with --port`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN": {
      const host = address ?? hostname ?? "the given host";
      return `cannot listen there: ${whyNotOurs(host) ?? `no address of ${host} is found; change --host`}`;
    }
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return path === undefined
        ? `not permitted: ${error.message}`
        : `no permission to use ${path}; choose a directory of your own with --data-dir`;
    case "ENOSPC":
      return `no space left on the disk of the data directory (${error.message})`;
    default:
      return error.cause instanceof Error && !error.message.includes(error.cause.message)
        ? `${error.message}: ${explain(error.cause)}`
        : error.message;
  }
}
