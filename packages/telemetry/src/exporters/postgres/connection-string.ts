import { SandglassError } from "@sandglass/protocol";

export interface ConnectionTarget {
  /** For the driver. */
  readonly connectionString: string;
  /** `postgres://db.internal:5432/telemetry`: no user, no password. */
  readonly shown: string;
  /** Undefined where it has none. */
  readonly password: string | undefined;
}

const EXAMPLE = "postgres://user:password@host:5432/database";
const TLS_PARAMETERS = ["ssl", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslnegotiation"];
/** The driver checks the certificate for all of these, and warns that it will not for ever. */
const CHECKED_MODES = new Set(["prefer", "require", "verify-ca"]);

/**
 * Reads the connection string. With `overridesTls`, what it says about TLS does not count.
 * Throws INVALID_REQUEST for a text that is none, and never repeats it.
 */
export function readConnectionString(
  text: string,
  options: { readonly overridesTls: boolean },
): ConnectionTarget {
  const url = parse(text);
  const { searchParams } = url;
  if (options.overridesTls) for (const name of TLS_PARAMETERS) searchParams.delete(name);
  else if (!searchParams.has("uselibpqcompat") && CHECKED_MODES.has(searchParams.get("sslmode") ?? ""))
    searchParams.set("sslmode", "verify-full");

  const host = searchParams.get("host") ?? (decoded(url.hostname) || "localhost");
  const port = searchParams.get("port") ?? (url.port || "5432");
  const database = decoded(url.pathname.slice(1));
  const isSocket = host.startsWith("/");
  return {
    connectionString: url.href,
    shown: isSocket ? `postgres:///${database}?host=${host}` : `postgres://${host}:${port}/${database}`,
    password: searchParams.get("password") ?? (decoded(url.password) || undefined),
  };
}

function parse(text: string): URL {
  // A user without a host, as with `?host=/cloudsql/…`, is no URL, and is used all the same.
  const url = URL.parse(text) ?? URL.parse(text.replace("@/", "@localhost/"));
  if (url?.protocol === "postgres:" || url?.protocol === "postgresql:") return url;
  throw new SandglassError("INVALID_REQUEST", `connectionString must be a URL like ${EXAMPLE}`, {
    hint: "write other characters than letters and digits in the password as %XX",
  });
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new SandglassError(
      "INVALID_REQUEST",
      "connectionString has a % that is not followed by two digits",
      {
        hint: "write a % as %25",
      },
    );
  }
}
