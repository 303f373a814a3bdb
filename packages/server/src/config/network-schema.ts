import { BlockList, isIP } from "node:net";
import { z } from "zod";

const orNone = (value: number): z.ZodDefault<z.ZodInt> => z.int().min(0).default(value);

/** An address, or a network in CIDR notation. */
export const trustedProxySchema = z.string().refine(isNetwork, {
  error: "must be an IP address, or a network like 10.0.0.0/8",
});

/** With what the daemon proves who it is; both or none. */
export const tlsSchema = z
  .strictObject({
    cert: z
      .string()
      .min(1)
      .optional()
      .describe("Certificate chain (PEM): serve HTTPS; SIGHUP reads it again"),
    key: z.string().min(1).optional().describe("The certificate's private key (PEM), not encrypted"),
  })
  .prefault({});

/** What one client may cost the daemon. */
export const limitsSchema = z
  .strictObject({
    requestsPerSecond: orNone(2000).describe("Requests of one key each second; 0 is unlimited"),
    failedAuthPerMinute: orNone(60).describe(
      "Requests with a wrong key or none of one address each minute; 0 is unlimited",
    ),
    keylessEventsPerSecond: z
      .int()
      .min(0)
      .default(20)
      .describe("Requests without a valid key that are recorded each second"),
    connections: z.int().min(1).default(4096).describe("Connections at once"),
    connectionsPerAddress: z
      .int()
      .min(1)
      .default(1024)
      .describe("Connections of one address (of IPv6, a /64) at once; trusted proxies are exempt"),
    headerBytes: z
      .int()
      .min(4096)
      .max(1024 ** 2)
      .default(16_384)
      .describe("Bytes of a request's line and headers"),
    headerCount: z.int().min(16).max(2000).default(100).describe("Headers of a request"),
    headersTimeoutMs: z
      .int()
      .min(100)
      .default(20_000)
      .describe("Time for a request's headers to arrive, and for a new connection to say something"),
    bodyStallMs: z.int().min(100).default(30_000).describe("Time without a byte of a body that has to come"),
    bodyBytesPerSecond: orNone(64).describe(
      "Slowest rate of a body, averaged and counted from bodyStallMs on; 0 is any",
    ),
    readerStallMs: orNone(300_000).describe(
      "Time in which a client takes nothing of its answer before it is cut off; 0 is for ever",
    ),
  })
  .prefault({});

/** Takes apart `10.0.0.0/8` or an address, which is a network of one; undefined for what is neither. */
export function parseNetwork(
  text: string,
): { address: string; prefix: number; family: "ipv4" | "ipv6" } | undefined {
  const [address = "", bits, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return undefined;
  const most = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  return prefix > most ? undefined : { address, prefix, family: version === 4 ? "ipv4" : "ipv6" };
}

/** What is in one of the networks; each has to be one. */
export function networksOf(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const network = parseNetwork(text);
    if (network !== undefined) list.addSubnet(network.address, network.prefix, network.family);
  }
  return list;
}

function isNetwork(text: string): boolean {
  return parseNetwork(text) !== undefined;
}
